package dev.oms.webhook;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;

/**
 * Sends a signed message to a receiver, as Standard Webhooks describes it, to an address that was resolved and checked
 * once.
 *
 * @see <a href="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md">Standard
 *     Webhooks</a>
 */
@ApplicationScoped
class SendMessage {
    private static final Logger LOG = Logger.getLogger(SendMessage.class);

    private final PostWebhook post;
    private final LookUpAddresses addresses;
    private final Clock clock;

    SendMessage(PostWebhook post, LookUpAddresses addresses, Clock clock) {
        this.post = post;
        this.addresses = addresses;
        this.clock = clock;
    }

    /**
     * Sends a message, signed with each of the secrets.
     *
     * @param id what tells the receiver that it has had this message before
     * @param body JSON
     * @return never a failed future
     */
    Future<Outcome> send(WebhookUrl url, List<SigningSecret> secrets, String id, byte[] body) {
        return Future.fromCompletionStage(addresses.of(url))
                .compose(found -> found.failure() == null
                        ? post.post(url, found.addresses(), headers(secrets, id, body), Buffer.buffer(body))
                        : Future.succeededFuture(new Outcome(null, found.failure(), 0, null, null)))
                .otherwise(e -> {
                    LOG.errorf(e, "Message %s cannot be sent", id);
                    return new Outcome(null, "failed within OMS", 0, null, null);
                });
    }

    private Map<String, String> headers(List<SigningSecret> secrets, String id, byte[] body) {
        long timestamp = clock.instant().getEpochSecond();
        return Map.of(
                "webhook-id", id,
                "webhook-timestamp", Long.toString(timestamp),
                "webhook-signature", Signature.sign(secrets, id, timestamp, body));
    }
}
