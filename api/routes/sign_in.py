"""
One-time sign-in links for browsers.

GET only shows a button, POST consumes the link: mail scanners and browsers fetch links ahead of people, and would burn a
link that GET consumes. The token is in the path of a page that loads nothing from elsewhere and tells no other site its address.
"""

from datetime import timedelta
from http import HTTPStatus

from litestar import Controller, MediaType, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect

from api.auth import SESSION_COOKIE
from api.catalogue import text
from api.dependencies import Clock, Settings, Store
from api.page_view import AnyRequest, language_of, render

HOME = "/campaigns"


class SignInController(Controller):
    """Open to everybody: the link is the proof."""

    path = "/sign-in"
    include_in_schema = False

    @get("/{token:str}", media_type=MediaType.HTML)
    async def show(self, request: AnyRequest) -> Response[str]:
        language = language_of(request)
        return page(
            request,
            text("pages.sign_in.title", language),
            text("pages.sign_in.explanation", language),
            text("pages.sign_in.button", language),
        )

    @post("/{token:str}", media_type=MediaType.HTML)
    async def consume(
        self,
        request: AnyRequest,
        token: FromPath[str],
        store: Store,
        settings: Settings,
        clock: Clock,
    ) -> Response[str] | Redirect:
        lifetime = timedelta(hours=settings.session_hours)
        session_token = await store.open_session(token, clock(), lifetime)
        if session_token is None:
            language = language_of(request)
            return page(
                request,
                text("problems.sign_in_link_invalid.title", language),
                text("problems.sign_in_link_invalid.detail", language),
                status=HTTPStatus.GONE,
            )
        cookie = Cookie(
            SESSION_COOKIE,
            value=session_token,
            path="/",
            httponly=True,
            samesite="lax",
            secure=settings.is_https,
            max_age=int(lifetime.total_seconds()),
        )
        return Redirect(HOME, status_code=303, cookies=[cookie])


def page(
    request: AnyRequest,
    title: str,
    explanation: str,
    button: str = "",
    status: int = HTTPStatus.OK,
) -> Response[str]:
    response = render(
        request,
        "message.html",
        status,
        title=title,
        detail=explanation,
        needs_sign_in=status == HTTPStatus.GONE,
        button=button,
        section="",
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
