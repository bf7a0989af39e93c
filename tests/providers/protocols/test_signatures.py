"""The signatures of Tencent and Baidu, made again from what is sent, as their servers do."""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.qianfan import Qianfan
from providers.protocols.registry import PROTOCOLS
from providers.protocols.wire import Target, TokenSource
from tests.providers.protocols.test_exchanges import AUDIO

QIANFAN = Qianfan()


def keyed(key: bytes, text: str) -> hmac.HMAC:
    return hmac.new(key, text.encode(), hashlib.sha256)


def test_tencents_signature_covers_the_host_and_the_body() -> None:
    target = Target(
        "https://asr.tencentcloudapi.com",
        {"tencent_cloud_sid": "AKIDalice", "tencent_cloud_sk": Secret("secret-of-alice")},
    )
    request = PROTOCOLS["tencent-speech"].transcription_request(target, {}, AUDIO, model="16k_zh")
    assert isinstance(request.body, bytes)
    stamp = str(request.headers["x-tc-timestamp"])
    moment = datetime.fromtimestamp(int(stamp), UTC)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)
    day = moment.strftime("%Y-%m-%d")
    canonical = "\n".join(
        [
            "POST",
            "/",
            "",
            "content-type:application/json",
            "host:asr.tencentcloudapi.com",
            "",
            "content-type;host",
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{stamp}\n{day}/asr/tc3_request\n{digest}"
    by_day = keyed(b"TC3secret-of-alice", day).digest()
    by_service = keyed(by_day, "asr").digest()
    signature = keyed(keyed(by_service, "tc3_request").digest(), text).hexdigest()
    authorization = request.headers["authorization"]
    assert isinstance(authorization, Secret)
    assert authorization.reveal() == (
        f"TC3-HMAC-SHA256 Credential=AKIDalice/{day}/asr/tc3_request, "
        f"SignedHeaders=content-type;host, Signature={signature}"
    )
    assert request.headers["x-tc-action"] == "SentenceRecognition"
    assert request.headers["x-tc-version"] == "2019-06-14"


def test_baidus_access_key_is_exchanged_for_a_token() -> None:
    target = Target(
        "https://qianfan.baidubce.com/v2",
        {"yiyan_ak": Secret("ak-of-alice"), "yiyan_sk": Secret("sk-of-alice")},
    )
    assert isinstance(QIANFAN, TokenSource)
    request = QIANFAN.token_request(target)
    assert request is not None
    parts = urlsplit(request.url)
    assert (parts.netloc, parts.path) == ("iam.bj.baidubce.com", "/v1/BCE-BEARER/token")
    authorization = request.headers["authorization"]
    assert isinstance(authorization, Secret)
    found = re.fullmatch(
        r"(bce-auth-v1/ak-of-alice/[\dT:-]+Z/1800)/host/([0-9a-f]{64})", authorization.reveal()
    )
    assert found is not None
    key = keyed(b"sk-of-alice", found[1]).hexdigest().encode()
    text = f"GET\n{parts.path}\n{parts.query}\nhost:iam.bj.baidubce.com"
    assert keyed(key, text).hexdigest() == found[2]


def test_the_token_pays_for_the_call_and_an_api_key_needs_none() -> None:
    grant = QIANFAN.token_reply(b'{"userId":"u","token":"bce-v3/x","expireTime":"2027"}')
    assert grant.credentials == {"api_key": Secret("bce-v3/x")}
    assert 0 < grant.lifetime_s <= 86_400
    own = Target("https://qianfan.baidubce.com/v2", {"yiyan_ak": Secret("bce-v3/ALTAK-a/b")})
    assert QIANFAN.token_request(own) is None
    request = QIANFAN.chat_request(own, {"messages": []}, model="ernie")
    assert request.headers["authorization"] == Secret("Bearer bce-v3/ALTAK-a/b")


def test_what_grants_nothing_says_why() -> None:
    with pytest.raises(ProviderError) as raised:
        QIANFAN.token_reply(b'{"code":"InvalidAccessKeyId","message":"no such key"}')
    assert raised.value.failure.kind is FailureKind.INVALID_KEY
    with pytest.raises(ProviderError):
        QIANFAN.token_reply(b"{}")
    with pytest.raises(InvalidRequest, match="secret key"):
        QIANFAN.token_request(Target("https://x", {"yiyan_ak": Secret("a")}))
    assert QIANFAN.token_failure_of(403, {}, b"{}").kind is FailureKind.INVALID_KEY
