"""Bases of contacts: CSV files, read while they arrive."""

from http import HTTPStatus

from litestar import Controller, Response, get, post
from litestar.params import FromQuery

from api.auth import needs
from api.catalogue import choose_language
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.idempotency import answer_once
from api.schemas.contacts import ImportList, ImportView, RejectionPage, import_view, rejection_view
from api.schemas.openapi import upload_operation
from api.schemas.parameters import AfterId, CampaignId, ImportId, Limit
from api.upload import open_upload
from campaigns.contact_import import ContactImport
from campaigns.errors import NotFound
from campaigns.import_file import ImportOptions

TABLE_TYPES = ("text/csv", "text/plain", "text/tab-separated-values", "application/octet-stream")


class ContactController(Controller):
    """`/v1/campaigns/{campaign_id}/contacts` and what became of each file."""

    path = "/v1/campaigns/{campaign_id:int}"
    tags = ("contacts",)

    @post(
        "/contacts",
        operation_id="import_contacts",
        **needs("contacts:write"),
        operation_class=upload_operation(TABLE_TYPES),
        status_code=HTTPStatus.CREATED,
        request_max_body_size=None,  # streamed: memory does not grow with the file
    )
    async def import_contacts(
        self,
        request: ApiRequest,
        campaign_id: CampaignId,
        pool: Pool,
        store: Store,
        clock: Clock,
        number_column: FromQuery[str | None] = None,
        encoding: FromQuery[str | None] = None,
        delimiter: FromQuery[str | None] = None,
    ) -> Response[ImportView]:
        await store.get_campaign(campaign_id)  # before a byte of the file is asked for
        language = choose_language(request.headers.get("accept-language"))

        options = ImportOptions(encoding=encoding, delimiter=delimiter, number_column=number_column)

        async def work() -> ImportView:
            upload = await open_upload(request, TABLE_TYPES)
            file_name = upload.file_name or "upload.csv"
            report = await ContactImport(pool, options).run(campaign_id, upload.chunks, file_name, clock())
            return import_view(report, language)

        return await answer_once(request, pool, clock(), work)

    @get("/imports", operation_id="list_imports", **needs("campaigns:read"))
    async def list_imports(self, request: ApiRequest, campaign_id: CampaignId, store: Store) -> ImportList:
        await store.get_campaign(campaign_id)
        language = choose_language(request.headers.get("accept-language"))
        return ImportList(
            items=[import_view(report, language) for report in await store.list_imports(campaign_id)]
        )

    @get(
        "/imports/{import_id:int}/rejections",
        operation_id="list_import_rejections",
        **needs("campaigns:read"),
    )
    async def list_rejections(
        self,
        request: ApiRequest,
        campaign_id: CampaignId,
        import_id: ImportId,
        store: Store,
        after_line: AfterId = 0,
        limit: Limit = 100,
    ) -> RejectionPage:
        if (await store.get_import(import_id)).campaign_id != campaign_id:
            raise NotFound("import", import_id)
        language = choose_language(request.headers.get("accept-language"))
        rows = await store.list_rejections(campaign_id, import_id, after_line, limit + 1)
        shows_numbers = request.auth.may("numbers:read")
        return RejectionPage(
            items=[rejection_view(row, language, shows_numbers=shows_numbers) for row in rows[:limit]],
            next_after_line=rows[limit - 1].line if len(rows) > limit else None,
        )
