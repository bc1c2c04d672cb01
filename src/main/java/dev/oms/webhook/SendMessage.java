package dev.oms.webhook;

import com.github.benmanes.caffeine.cache.AsyncLoadingCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.http.Causes;
import dev.oms.webhook.CheckAddresses.Refused;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Sends a signed message to a receiver, as Standard Webhooks describes it, to an address that was resolved and checked
 * once. Addresses are kept for 10 s.
 *
 * @see <a href="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md">Standard
 *     Webhooks</a>
 */
@ApplicationScoped
class SendMessage {
    private static final Duration ADDRESSES_KEPT = Duration.ofSeconds(10);
    private static final int ADDRESSES_MAX = 1_000;
    private static final Duration LOOKUP_TIMEOUT = Duration.ofSeconds(5);

    private final PostWebhook post;
    private final Clock clock;
    private final AsyncLoadingCache<WebhookUrl, List<InetAddress>> addresses;

    SendMessage(PostWebhook post, CheckAddresses check, Clock clock) {
        this.post = post;
        this.clock = clock;
        this.addresses = Caffeine.newBuilder()
                .expireAfterWrite(ADDRESSES_KEPT)
                .maximumSize(ADDRESSES_MAX)
                // A look-up blocks its thread in the C library, for many seconds if the name server is silent: a
                // virtual
                // thread would take a carrier from all others. There is at most one look-up for each receiver.
                .executor(Executors.newThreadPerTaskExecutor(
                        Thread.ofPlatform().daemon().name("webhook-lookup-", 0).factory()))
                .buildAsync(check::resolve);
    }

    /**
     * Sends a message, signed with each of the secrets.
     *
     * @param id what tells the receiver that it has had this message before
     * @param body JSON
     * @return never a failed future
     */
    Future<Outcome> send(WebhookUrl url, List<SigningSecret> secrets, String id, byte[] body) {
        CompletableFuture<List<InetAddress>> lookup = addresses.get(url);
        if (!lookup.isDone()) {
            lookup = lookup.copy().orTimeout(LOOKUP_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        }
        return Future.fromCompletionStage(lookup)
                .compose(
                        found -> post.post(url, found, headers(secrets, id, body), Buffer.buffer(body)),
                        failure -> Future.succeededFuture(new Outcome(null, reason(failure), 0, null, null)));
    }

    private Map<String, String> headers(List<SigningSecret> secrets, String id, byte[] body) {
        long timestamp = clock.instant().getEpochSecond();
        return Map.of(
                "webhook-id", id,
                "webhook-timestamp", Long.toString(timestamp),
                "webhook-signature", Signature.sign(secrets, id, timestamp, body));
    }

    private static String reason(Throwable failure) {
        Refused refused = Causes.find(failure, Refused.class);
        if (refused != null) {
            return refused.getMessage();
        }
        return Causes.find(failure, TimeoutException.class) == null ? "unknown host" : "name not resolved in time";
    }
}
