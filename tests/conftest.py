"""What every layer of the suite shares."""

pytest_plugins = ["tests.layers"]
