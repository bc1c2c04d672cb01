package dev.oms.webhook;

import com.github.benmanes.caffeine.cache.AsyncLoadingCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.webhook.CheckAddresses.Refused;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

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
    private final AsyncLoadingCache<WebhookUrl, Lookup> lookups;

    SendMessage(PostWebhook post, CheckAddresses check, Clock clock) {
        this.post = post;
        this.clock = clock;
        this.lookups = Caffeine.newBuilder()
                .expireAfterWrite(ADDRESSES_KEPT)
                .maximumSize(ADDRESSES_MAX)
                // A look-up blocks its thread in the C library, for many seconds if the name server is silent: a
                // virtual
                // thread would take a carrier from all others. There is at most one look-up for each receiver.
                .executor(Executors.newThreadPerTaskExecutor(
                        Thread.ofPlatform().daemon().name("webhook-lookup-", 0).factory()))
                .buildAsync(url -> lookUp(check, url));
    }

    /**
     * What a look-up has led to. Failures are values, because Caffeine logs an exception with its stack.
     *
     * @param failure why nothing is sent, or null
     */
    private record Lookup(List<InetAddress> addresses, String failure) {}

    private static Lookup lookUp(CheckAddresses check, WebhookUrl url) {
        try {
            return new Lookup(check.resolve(url), null);
        } catch (Refused e) {
            return new Lookup(List.of(), e.getMessage());
        } catch (UnknownHostException e) {
            return new Lookup(List.of(), "unknown host");
        }
    }

    /**
     * Sends a message, signed with each of the secrets.
     *
     * @param id what tells the receiver that it has had this message before
     * @param body JSON
     * @return never a failed future
     */
    Future<Outcome> send(WebhookUrl url, List<SigningSecret> secrets, String id, byte[] body) {
        CompletableFuture<Lookup> lookup = lookups.get(url);
        if (!lookup.isDone()) {
            lookup = lookup.copy()
                    .completeOnTimeout(
                            new Lookup(List.of(), "name not resolved in time"),
                            LOOKUP_TIMEOUT.toSeconds(),
                            TimeUnit.SECONDS);
        }
        return Future.fromCompletionStage(lookup)
                .compose(found -> found.failure == null
                        ? post.post(url, found.addresses, headers(secrets, id, body), Buffer.buffer(body))
                        : Future.succeededFuture(new Outcome(null, found.failure, 0, null, null)));
    }

    private Map<String, String> headers(List<SigningSecret> secrets, String id, byte[] body) {
        long timestamp = clock.instant().getEpochSecond();
        return Map.of(
                "webhook-id", id,
                "webhook-timestamp", Long.toString(timestamp),
                "webhook-signature", Signature.sign(secrets, id, timestamp, body));
    }
}
