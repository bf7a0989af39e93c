"""/llm/connections: the tenant's credentials as resources."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmhub.envelope import done
from tenants.llms.api.base import TenantView
from tenants.llms.api.fields import ApiKeyField, ConnectionNameField, NameField
from tenants.llms.api.schema import (
    Fields,
    ProbeSerializer,
    done_with,
    enveloped,
    page_of,
    page_parameters,
)
from tenants.llms.models import Connection
from tenants.llms.selectors.connections import connection_get, connection_list
from tenants.llms.services.api_keys import KeyRequest, KeyResult, api_key_set
from tenants.llms.services.connection_changes import ConnectionChange, connection_change
from tenants.llms.services.connection_checks import connection_check
from tenants.llms.services.connections import (
    DEFAULT_NAME,
    connection_delete,
    connection_require_free,
)
from tenants.models import ConnectionState


class ConnectionSerializer(serializers.Serializer[Any]):
    """No more of the key than its last four characters."""

    id = serializers.UUIDField()
    llm_factory = serializers.CharField()
    name = serializers.CharField()
    api_base = serializers.CharField(allow_blank=True)
    key = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=ConnectionState.choices)
    state_message = serializers.CharField(allow_blank=True)
    is_enabled = serializers.BooleanField()
    checked_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewConnectionSerializer(serializers.Serializer[Any]):
    llm_factory = NameField()
    name = ConnectionNameField(required=False, default=DEFAULT_NAME)
    api_key = ApiKeyField(required=False, default="")
    api_base = serializers.CharField(required=False, allow_blank=True, max_length=2048, default="")
    test = serializers.BooleanField(
        required=False, default=True, help_text="false saves it without asking the provider."
    )


class ConnectionChangeSerializer(serializers.Serializer[Any]):
    name = ConnectionNameField(required=False)
    is_enabled = serializers.BooleanField(required=False)
    api_key = ApiKeyField(required=False)
    api_base = serializers.CharField(required=False, allow_blank=True, max_length=2048)
    test = serializers.BooleanField(required=False, default=True)


class ConnectionFilterSerializer(serializers.Serializer[Any]):
    llm_factory = NameField(required=False, default="")
    state = serializers.ChoiceField(required=False, choices=ConnectionState.choices, default="")


class ForceSerializer(serializers.Serializer[Any]):
    force = serializers.BooleanField(required=False, default=False)


def saved_connection() -> Fields:
    """What is worth knowing of a key that was tested and stored."""
    return {
        "connection": ConnectionSerializer(allow_null=True),
        "models": serializers.IntegerField(help_text="How many models come with it."),
        "probes": ProbeSerializer(many=True),
        "notes": serializers.ListField(child=serializers.CharField()),
    }


class ConnectionsView(TenantView):
    @extend_schema(
        operation_id="connections_list",
        summary="The tenant's connections",
        parameters=[ConnectionFilterSerializer, *page_parameters()],
        responses=enveloped("ConnectionList", page_of("Connection", ConnectionSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query(ConnectionFilterSerializer)
        rows = connection_list(tenant=self.tenant, **wanted)
        return self.paged(rows, connection_details)

    @extend_schema(
        operation_id="connections_create",
        summary="Add a connection",
        request=NewConnectionSerializer,
        responses=done_with("ConnectionCreate", saved_connection(), 400, 404, 409, 422),
    )
    def post(self, request: Request) -> Response:
        body = self.validated(NewConnectionSerializer)
        connection_require_free(
            tenant=self.tenant, llm_factory=body["llm_factory"], name=body["name"]
        )
        asked = KeyRequest(
            llm_factory=body["llm_factory"],
            api_key=body["api_key"],
            api_base=body["api_base"],
            connection_name=body["name"],
            is_tested=body["test"],
        )
        result = api_key_set(tenant=self.tenant, request=asked, actor=self.principal.actor)
        return Response(done(**key_result_json(result)))


class ConnectionView(TenantView):
    @extend_schema(
        operation_id="connections_get",
        summary="One connection",
        responses=enveloped("Connection", ConnectionSerializer(), 404),
    )
    def get(self, request: Request, connection_id: UUID) -> Response:
        row = connection_get(tenant=self.tenant, connection_id=connection_id)
        return Response(connection_details(row))

    @extend_schema(
        operation_id="connections_change",
        summary="Rename, switch, or give a new key or address",
        request=ConnectionChangeSerializer,
        responses=done_with(
            "ConnectionChange", {"connection": ConnectionSerializer()}, 400, 404, 409, 422
        ),
    )
    def patch(self, request: Request, connection_id: UUID) -> Response:
        connection_get(tenant=self.tenant, connection_id=connection_id)
        body = self.validated(ConnectionChangeSerializer)
        wanted = ConnectionChange(
            name=body.get("name"),
            is_enabled=body.get("is_enabled"),
            api_key=body.get("api_key", ""),
            api_base=body.get("api_base"),
            is_tested=body["test"],
        )
        row = connection_change(
            tenant=self.tenant,
            connection_id=connection_id,
            wanted=wanted,
            actor=self.principal.actor,
        )
        return Response(done(connection=connection_details(row)))

    @extend_schema(
        operation_id="connections_delete",
        summary="Remove a connection and its models",
        parameters=[ForceSerializer],
        responses=done_with("ConnectionDelete", {}, 404, 409),
    )
    def delete(self, request: Request, connection_id: UUID) -> Response:
        connection_get(tenant=self.tenant, connection_id=connection_id)
        connection_delete(
            tenant=self.tenant,
            connection_id=connection_id,
            is_forced=self.query(ForceSerializer)["force"],
            actor=self.principal.actor,
        )
        return Response(done())


class ConnectionCheckView(TenantView):
    @extend_schema(
        operation_id="connections_check",
        summary="Test a connection again, now",
        request=None,
        responses=done_with(
            "ConnectionCheck",
            {"connection": ConnectionSerializer(), "probes": ProbeSerializer(many=True)},
            404,
        ),
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        verdict = connection_check(tenant=self.tenant, connection_id=connection_id)
        row = connection_get(tenant=self.tenant, connection_id=connection_id)
        return Response(done(connection=connection_details(row), probes=verdict.as_json()))


def key_result_json(result: KeyResult) -> dict[str, Any]:
    """As `saved_connection` says."""
    return {
        "connection": connection_details(result.connection) if result.connection else None,
        "models": len(result.models),
        "probes": result.verdict.as_json(),
        "notes": list(result.notes),
    }


def connection_details(row: Connection) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "llm_factory": row.llm_factory,
        "name": row.name,
        "api_base": row.base_url,
        "key": f"…{row.key_hint}" if row.key_hint else "",
        "state": row.state,
        "state_message": row.state_message,
        "is_enabled": row.is_enabled,
        "checked_at": row.checked_at,
        "created_at": row.created_at,
    }
