"""
One-time sign-in links for browsers.

GET only shows a button, POST consumes the link: mail scanners and browsers fetch links ahead of people, and would burn a
link that GET consumes. The token is in the path of a page that loads nothing from elsewhere and sends no Referer.
"""

from datetime import timedelta
from html import escape
from http import HTTPStatus

from litestar import Controller, MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect

from api.auth import SESSION_COOKIE
from api.catalogue import Language, choose_language, text
from api.dependencies import Clock, Settings, Store

HOME = "/campaigns"

PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} · {product}</title>
<style>
:root {{ color-scheme: light dark; font: 17px/1.5 system-ui, sans-serif }}
body {{ min-height: 90vh; display: grid; place-content: center; text-align: center; margin: 2rem }}
button {{ font: inherit; padding: .6em 2em; border: 0; border-radius: .5em; background: #4f46e5; color: white; cursor: pointer }}
</style>
<main><h1>{title}</h1><p>{explanation}</p>{form}</main>
"""
FORM = '<form method="post"><button autofocus>{button}</button></form>'


class SignInController(Controller):
    """Open to everybody: the link is the proof."""

    path = "/sign-in"
    include_in_schema = False

    @get("/{token:str}", media_type=MediaType.HTML)
    async def show(self, request: Request[None, None, None]) -> Response[str]:
        language = choose_language(request.headers.get("accept-language"))
        form = FORM.format(button=escape(text("pages.sign_in.button", language)))
        return page(language, text("pages.sign_in.explanation", language), form)

    @post("/{token:str}", media_type=MediaType.HTML)
    async def consume(
        self,
        request: Request[None, None, None],
        token: FromPath[str],
        store: Store,
        settings: Settings,
        clock: Clock,
    ) -> Response[str] | Redirect:
        lifetime = timedelta(hours=settings.session_hours)
        session_token = await store.open_session(token, clock(), lifetime)
        if session_token is None:
            language = choose_language(request.headers.get("accept-language"))
            explanation = text("problems.sign_in_link_invalid.detail", language)
            return page(language, explanation, status=HTTPStatus.GONE)
        cookie = Cookie(
            SESSION_COOKIE,
            session_token,
            path="/",
            httponly=True,
            samesite="lax",
            secure=settings.is_https,
            max_age=int(lifetime.total_seconds()),
        )
        return Redirect(HOME, status_code=HTTPStatus.SEE_OTHER, cookies=[cookie])


def page(language: Language, explanation: str, form: str = "", status: int = HTTPStatus.OK) -> Response[str]:
    return Response(
        PAGE.format(
            language=language,
            title=escape(text("pages.sign_in.title", language)),
            product=escape(text("pages.product", language)),
            explanation=escape(explanation),
            form=form,
        ),
        status_code=status,
        media_type=MediaType.HTML,
        headers={
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
        },
    )
