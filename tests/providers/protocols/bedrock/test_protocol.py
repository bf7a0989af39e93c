import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from llmhub.base.errors import InvalidRequest, NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.bedrock import Bedrock
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.usage import Usage
from providers.protocols.wire import ListedModel, PagedList, Target, TokenSource
from tests.providers.protocols.bedrock.frames import event, exception, message

BEDROCK = Bedrock()
KEYS = {
    "bedrock_ak": "AKIDEXAMPLE",
    "bedrock_sk": Secret("the-secret"),
    "bedrock_region": "eu-west-1",
}
ROLE = "arn:aws:iam::123456789012:role/bedrock"


def target(base_url: str = "", **fields: Any) -> Target:
    return Target(base_url, {**KEYS, **fields})


def ask(
    model: str = "amazon.nova-lite-v1:0", **fields: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    payload = {"messages": [{"role": "user", "content": "Hi"}], **fields}
    request = BEDROCK.chat_request(target(), payload, model=model)
    return json.loads(request.body), request.left_out


def test_a_request_is_signed_for_its_region() -> None:
    request = BEDROCK.chat_request(target(), {"messages": []}, model="amazon.nova-lite-v1:0")
    assert request.url.startswith("https://bedrock-runtime.eu-west-1.amazonaws.com/model/")
    authorization = request.headers["authorization"]
    assert isinstance(authorization, str)
    assert "/eu-west-1/bedrock/aws4_request" in authorization
    assert "SignedHeaders=accept;content-type;host;x-amz-date" in authorization


@pytest.mark.parametrize(
    ("base_url", "region", "listed_at"),
    [
        ("", "eu-west-1", "https://bedrock.eu-west-1.amazonaws.com"),
        ("", "cn-north-1", "https://bedrock.cn-north-1.amazonaws.com.cn"),
        (
            "https://bedrock-runtime-fips.us-east-1.amazonaws.com",
            "us-east-1",
            "https://bedrock-fips.us-east-1.amazonaws.com",
        ),
        ("http://127.0.0.1:4566", "us-east-1", "http://127.0.0.1:4566"),
    ],
)
def test_the_lists_have_a_host_of_their_own(base_url: str, region: str, listed_at: str) -> None:
    of = target(base_url, bedrock_region=region)
    assert BEDROCK.models_request(of).url == f"{listed_at}/foundation-models"


def test_a_profile_is_called_by_its_arn() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    request = BEDROCK.chat_request(target(), {"messages": []}, model=arn)
    assert "/model/arn%3Aaws%3Abedrock" in request.url
    assert "inference-profile%2Fus.amazon.nova-lite-v1%3A0/converse" in request.url


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"bedrock_ak": ""}, "bedrock_ak"),
        ({"bedrock_sk": ""}, "bedrock_sk"),
        ({"bedrock_region": "somewhere/else"}, "bedrock_region"),
    ],
)
def test_without_what_signs_nothing_is_sent(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        BEDROCK.chat_request(target(**fields), {"messages": []}, model="m")
    assert caught.value.details["field"] == f"api_key.{field}"


def test_a_role_is_taken_on_first() -> None:
    assert isinstance(BEDROCK, TokenSource)
    request = BEDROCK.token_request(target(aws_role_arn=ROLE, aws_external_id="tenant-1"))
    assert request is not None
    assert request.url == "https://sts.eu-west-1.amazonaws.com/"
    assert "/eu-west-1/sts/aws4_request" in str(request.headers["authorization"])
    assert parse_qs(request.body.decode()) == {
        "Action": ["AssumeRole"],
        "Version": ["2011-06-15"],
        "RoleArn": [ROLE],
        "RoleSessionName": ["llm-hub"],
        "DurationSeconds": ["3600"],
        "ExternalId": ["tenant-1"],
    }


def test_without_a_role_the_key_is_enough() -> None:
    assert BEDROCK.token_request(target()) is None
    of = target(aws_role_arn=ROLE, auth_mode="access_key_secret")
    assert BEDROCK.token_request(of) is None
    with pytest.raises(InvalidRequest, match="aws_role_arn"):
        BEDROCK.token_request(target(auth_mode="assume_role"))


def test_the_roles_own_key_signs_with_its_token() -> None:
    body = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleResult><Credentials>
        <AccessKeyId>ASIAROLE</AccessKeyId>
        <SecretAccessKey>role/secret+1&amp;2</SecretAccessKey>
        <SessionToken>session==</SessionToken>
        <Expiration>2026-11-23T19:00:00Z</Expiration>
      </Credentials></AssumeRoleResult></AssumeRoleResponse>"""
    grant = BEDROCK.token_reply(body)
    assert grant.lifetime_s == 3600
    assert grant.credentials["bedrock_sk"] == Secret("role/secret+1&2")
    request = BEDROCK.chat_request(target(**grant.credentials), {"messages": []}, model="m")
    assert "Credential=ASIAROLE/" in str(request.headers["authorization"])
    assert request.headers["x-amz-security-token"] == Secret("session==")


@pytest.mark.parametrize("body", [b"", b"{}", b"<AccessKeyId>x</AccessKeyId>"])
def test_what_holds_no_credentials_grants_nothing(body: bytes) -> None:
    with pytest.raises(ProviderError):
        BEDROCK.token_reply(body)


def test_a_refused_role_is_a_refused_key() -> None:
    body = b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
    body += b"<Message>User is not authorized to perform sts:AssumeRole</Message></Error>"
    failure = BEDROCK.token_failure_of(403, {}, body)
    assert failure.kind is FailureKind.INVALID_KEY
    assert failure.message == "User is not authorized to perform sts:AssumeRole"


OLD = "anthropic.claude-3-5-sonnet-20241022-v2:0"
BUDGETED = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.mark.parametrize(
    ("model", "effort", "own"),
    [
        (BUDGETED, "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (BUDGETED, "none", None),
        ("anthropic.claude-opus-4-6", "minimal", {"thinking": {"type": "adaptive"}}),
        ("openai.gpt-oss-120b-1:0", "xhigh", {"reasoning_effort": "high"}),
        (
            "amazon.nova-2-lite-v1:0",
            "medium",
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
        ),
        ("amazon.nova-2-lite-v1:0", "none", {"reasoningConfig": {"type": "disabled"}}),
    ],
)
def test_each_family_is_told_in_its_own_words_how_much_to_think(
    model: str, effort: str, own: dict[str, Any] | None
) -> None:
    body, left_out = ask(model, reasoning_effort=effort)
    assert body.get("additionalModelRequestFields") == own
    assert left_out == ()


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (OLD, {}),
        ("meta.llama4-maverick-17b-instruct-v1:0", {}),
        ("openai.gpt-oss-20b-1:0", {"reasoning_effort": "none"}),
        (BUDGETED, {"max_tokens": 1024}),
        (
            BUDGETED,
            {
                "tools": [{"type": "function", "function": {"name": "f"}}],
                "tool_choice": "required",
            },
        ),
    ],
)
def test_where_it_cannot_be_told_the_effort_is_named(model: str, fields: dict[str, Any]) -> None:
    body, left_out = ask(model, **{"reasoning_effort": "high", **fields})
    assert "additionalModelRequestFields" not in body
    assert left_out == ("reasoning_effort",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, "data: URL"),
        ({"type": "image_url", "image_url": {"url": "data:image/bmp;base64,Qk0="}}, "png"),
        ({"type": "file", "file": {"filename": "a.zip", "file_data": "UEsDBA=="}}, "zip"),
    ],
)
def test_content_that_it_does_not_take_is_refused_in_words(
    content: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotSupported, match=words):
        ask(messages=[{"role": "user", "content": [content]}])


def test_several_answers_are_refused_in_words() -> None:
    with pytest.raises(NotSupported, match="one answer"):
        ask(n=2)


def test_tools_stay_where_the_conversation_has_used_them() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t", "content": "done"},
    ]
    tools = [{"type": "function", "function": {"name": "f"}}]
    body, left_out = ask(messages=messages, tools=tools, tool_choice="none")
    schema = {"json": {"type": "object", "properties": {}}}
    assert body["toolConfig"] == {"tools": [{"toolSpec": {"name": "f", "inputSchema": schema}}]}
    assert left_out == ("tool_choice",)


def error(named: str, words: str) -> tuple[dict[str, str], bytes]:
    return {"x-amzn-errortype": named}, json.dumps({"message": words}).encode()


@pytest.mark.parametrize(
    ("status", "named", "words", "kind"),
    [
        (403, "UnrecognizedClientException", "The security token is invalid.", "INVALID_KEY"),
        (403, "InvalidSignatureException:http://internal/", "Mismatch.", "INVALID_KEY"),
        (403, "ExpiredTokenException", "Expired.", "INVALID_KEY"),
        (403, "AccessDeniedException", "You don't have access to the model.", "NO_SUCH_MODEL"),
        (403, "AccessDeniedException", "User is not authorized.", "INVALID_KEY"),
        (404, "ResourceNotFoundException", "No such thing.", "NO_SUCH_MODEL"),
        (400, "ValidationException", "The provided model identifier is invalid.", "NO_SUCH_MODEL"),
        (
            400,
            "com.amazon#ValidationException",
            "Invocation with on-demand throughput isn’t supported.",
            "NO_SUCH_MODEL",
        ),
        (400, "ValidationException", "maxTokens is too large.", "BAD_REQUEST"),
        (429, "ThrottlingException", "Too many requests.", "RATE_LIMITED"),
        (429, "ThrottlingException", "Too many tokens per day.", "OUT_OF_QUOTA"),
        (400, "ServiceQuotaExceededException", "Quota.", "OUT_OF_QUOTA"),
        (429, "ModelNotReadyException", "Warming up.", "OVERLOADED"),
        (424, "ModelErrorException", "The model failed.", "OVERLOADED"),
        (408, "ModelTimeoutException", "Too slow.", "TIMEOUT"),
        (503, "ServiceUnavailableException", "Try again.", "OVERLOADED"),
        (500, "", "Oops.", "OVERLOADED"),
        (404, "", "", "BAD_REPLY"),
    ],
)
def test_each_refusal_has_its_class(status: int, named: str, words: str, kind: str) -> None:
    failure = BEDROCK.failure_of(status, *error(named, words))
    assert failure.kind is FailureKind[kind]
    assert words in failure.message


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (exception("throttlingException", "Slow down."), FailureKind.RATE_LIMITED),
        (exception("modelStreamErrorException", "Broken."), FailureKind.OVERLOADED),
        (exception("validationException", "No."), FailureKind.BAD_REQUEST),
        (exception("brandNewException", "New."), FailureKind.OVERLOADED),
        (
            message(
                {
                    ":message-type": "error",
                    ":error-code": "InternalFailure",
                    ":error-message": "Oops.",
                },
                b"",
            ),
            FailureKind.OVERLOADED,
        ),
        (message({":message-type": "event"}, b"not JSON"), FailureKind.BAD_REPLY),
        (
            event("contentBlockDelta", {"delta": {"toolUse": {"input": "{"}}}),
            FailureKind.BAD_REPLY,
        ),
        (event("messageStop", {"stopReason": "malformed_tool_use"}), FailureKind.BAD_REPLY),
    ],
)
def test_an_error_inside_a_stream_ends_it(frame: bytes, kind: FailureKind) -> None:
    reader = BEDROCK.chunk_reader()
    said = event("contentBlockDelta", {"delta": {"text": "Hi"}, "contentBlockIndex": 0})
    assert len(reader.feed(said + frame + said)) == 1
    assert reader.failure is not None
    assert reader.failure.kind is kind
    assert reader.feed(said) == []
    with pytest.raises(ProviderError):
        reader.finish()


def test_events_that_are_not_known_are_stepped_over() -> None:
    reader = BEDROCK.chunk_reader()
    assert reader.feed(event("brandNew", {"a": 1})) == []
    assert reader.failure is None


def test_titan_embeds_one_text() -> None:
    model = "amazon.titan-embed-text-v2:0"
    payload = {"input": ["a"], "dimensions": 256, "user": "alice"}
    request = BEDROCK.embedding_request(target(), payload, model=model)
    assert request.url.endswith("/model/amazon.titan-embed-text-v2%3A0/invoke")
    assert json.loads(request.body) == {"inputText": "a", "dimensions": 256}
    assert request.left_out == ("user",)
    with pytest.raises(InvalidRequest, match="one text"):
        BEDROCK.embedding_request(target(), {"input": ["a", "b"]}, model=model)
    reply = BEDROCK.embedding_reply(b'{"embedding": [0.5, 1], "inputTextTokenCount": 3}')
    assert (reply.vectors, reply.usage) == (([0.5, 1],), Usage(3))


def test_cohere_embeds_many() -> None:
    payload = {"input": ["a", "b"], "dimensions": 256}
    request = BEDROCK.embedding_request(target(), payload, model="cohere.embed-v4:0")
    assert json.loads(request.body) == {
        "texts": ["a", "b"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
    older = BEDROCK.embedding_request(target(), payload, model="cohere.embed-english-v3")
    assert older.left_out == ("dimensions",)
    for told in ({"float": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]]):
        reply = BEDROCK.embedding_reply(json.dumps({"embeddings": told}).encode())
        assert reply.vectors == ([1, 2], [3, 4])
    with pytest.raises(NotSupported, match="Titan"):
        BEDROCK.embedding_request(target(), payload, model="amazon.nova-2-embed")


def test_documents_are_ranked() -> None:
    payload = {
        "query": "q",
        "documents": ["a", {"text": "b"}],
        "top_n": 1,
        "return_documents": True,
    }
    request = BEDROCK.rerank_request(target(), payload, model="cohere.rerank-v3-5:0")
    assert json.loads(request.body) == {
        "query": "q",
        "documents": ["a", "b"],
        "top_n": 1,
        "api_version": 2,
    }
    assert request.left_out == ("return_documents",)
    amazons = BEDROCK.rerank_request(target(), payload, model="amazon.rerank-v1:0")
    assert "api_version" not in json.loads(amazons.body)
    reply = BEDROCK.rerank_reply(b'{"results": [{"index": 1, "relevance_score": 0.5}]}')
    assert reply.scores == {1: 0.5}


def test_models_and_then_their_profiles_are_listed() -> None:
    assert isinstance(BEDROCK, PagedList)
    summary = {"inputModalities": ["TEXT"], "outputModalities": ["TEXT"]}
    on_demand = {"inferenceTypesSupported": ["ON_DEMAND"]}
    models = [
        {"modelId": "amazon.nova-lite-v1:0", **summary, **on_demand, "inputModalities": ["IMAGE"]},
        {"modelId": "anthropic.claude-opus-4-7", **summary, "inferenceTypesSupported": ["X"]},
        {"modelId": "amazon.titan-embed-text-v2:0", **on_demand, "outputModalities": ["EMBEDDING"]},
        {"modelId": "amazon.nova-canvas-v1:0", **on_demand, "outputModalities": ["IMAGE"]},
        {"modelId": "cohere.rerank-v3-5:0", **summary, **on_demand},
    ]
    first = json.dumps({"modelSummaries": models}).encode()
    assert BEDROCK.models_reply(first) == [
        ListedModel("amazon.nova-lite-v1:0", frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})),
        ListedModel("amazon.titan-embed-text-v2:0", frozenset({ModelType.EMBEDDING})),
        ListedModel("amazon.nova-canvas-v1:0", frozenset()),
        ListedModel("cohere.rerank-v3-5:0", frozenset({ModelType.RERANK})),
    ]
    following = BEDROCK.models_next(target(), first)
    assert following is not None
    there = "https://bedrock.eu-west-1.amazonaws.com/inference-profiles?maxResults=1000"
    assert following.url == there
    profiles = [
        {"inferenceProfileId": "us.anthropic.claude-opus-4-7", "status": "ACTIVE"},
        {"inferenceProfileId": "us.meta.llama3-3-70b-instruct-v1:0", "status": "ACTIVE"},
    ]
    second = json.dumps({"inferenceProfileSummaries": profiles, "nextToken": "a/b"}).encode()
    assert BEDROCK.models_reply(second) == [
        ListedModel(
            "us.anthropic.claude-opus-4-7", frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})
        ),
        ListedModel("us.meta.llama3-3-70b-instruct-v1:0", frozenset({ModelType.CHAT})),
    ]
    last = BEDROCK.models_next(target(), second)
    assert last is not None
    assert last.url == f"{there}&nextToken=a%2Fb"
    assert BEDROCK.models_next(target(), b'{"inferenceProfileSummaries": []}') is None


@pytest.mark.parametrize("body", [b"", b"{}", b'{"output": {}}', b'{"output": {"message": 3}}'])
def test_what_is_no_reply_is_refused(body: bytes) -> None:
    with pytest.raises(ProviderError):
        BEDROCK.chat_reply(body)


def test_a_reply_that_does_not_say_why_it_ended_is_refused() -> None:
    with pytest.raises(ProviderError, match="stopped"):
        BEDROCK.chat_reply(b'{"output": {"message": {"content": [{"text": "Hi"}]}}}')


@pytest.mark.parametrize("told", [{"inputTokens": -1}, {"outputTokens": 1.5}, 3])
def test_impossible_usage_is_flagged(told: Any) -> None:
    report = BEDROCK.usage_report({"usage": told})
    assert report.usage is None
    assert report.is_impossible
