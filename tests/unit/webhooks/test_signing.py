"""Signatures by the Standard Webhooks convention."""

import base64

from api.webhooks.signing import message_id, new_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_that_of_the_conventions_own_example() -> None:
    headers = signed_headers([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_sign_side_by_side_the_newest_first() -> None:
    other = new_secret()

    both = signed_headers([other, SECRET], "msg_1", 1, b"{}")["webhook-signature"]

    assert both.split(" ") == [signed_headers([secret], "msg_1", 1, b"{}")["webhook-signature"] for secret in (other, SECRET)]


def test_a_new_secret_is_32_bytes_and_no_two_are_alike() -> None:
    made = {new_secret() for _ in range(20)}

    assert len(made) == 20
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32 for secret in made)


def test_a_message_id_has_no_full_stop_and_is_another_for_each_webhook() -> None:
    first, second = (message_id(webhook_id, "1763866800000-0") for webhook_id in ("6650f1c2a4b3c2d1e0f9a8b7", "6650f1c2a4b3c2d1e0f9a8b8"))

    assert first != second
    assert "." not in first
