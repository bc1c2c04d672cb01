package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SignatureTest {
    private static final String BODY = "{\"type\":\"order.placed\",\"name\":\"Käse\"}";

    private final SigningSecret secret = SigningSecret.create();
    private final long now = Instant.now().getEpochSecond();

    private Map<String, List<String>> headers(String id, SigningSecret... secrets) {
        String signature = Signature.sign(List.of(secrets), id, now, BODY.getBytes(StandardCharsets.UTF_8));
        return Map.of(
                "webhook-id", List.of(id),
                "webhook-timestamp", List.of(Long.toString(now)),
                "webhook-signature", List.of(signature));
    }

    private static void verify(SigningSecret secret, String body, Map<String, List<String>> headers)
            throws WebhookVerificationException {
        // As a receiver has it.
        new Webhook(secret.value()).verify(body, headers);
    }

    @Test
    void isAcceptedByTheLibraryOfTheStandard() throws Exception {
        verify(secret, BODY, headers("evt_1", secret));
    }

    /** The example in the text of the standard. */
    @Test
    void isThatOfTheStandard() {
        assertThat(Signature.sign(
                        List.of(new SigningSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
                        "msg_p5jXN8AQM9LWM0D4loKWxJek",
                        1614265330,
                        "{\"test\": 2432232314}".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    @Test
    void isAcceptedWithEitherSecretWhileOneIsRotated() throws Exception {
        SigningSecret next = SigningSecret.create();

        Map<String, List<String>> headers = headers("evt_1", next, secret);

        verify(secret, BODY, headers);
        verify(next, BODY, headers);
        assertThatThrownBy(() -> verify(SigningSecret.create(), BODY, headers))
                .isInstanceOf(WebhookVerificationException.class);
    }

    @Test
    void isForOneBodyAndOneIdOnly() {
        Map<String, List<String>> headers = headers("evt_1", secret);

        assertThatThrownBy(() -> verify(secret, BODY + " ", headers)).isInstanceOf(WebhookVerificationException.class);
        assertThatThrownBy(() -> verify(
                        secret,
                        BODY,
                        Map.of(
                                "webhook-id", List.of("evt_2"),
                                "webhook-timestamp", headers.get("webhook-timestamp"),
                                "webhook-signature", headers.get("webhook-signature"))))
                .isInstanceOf(WebhookVerificationException.class);
    }
}
