package dev.oms.webhook;

import com.github.benmanes.caffeine.cache.AsyncLoadingCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.webhook.CheckAddresses.Refused;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Looks up and checks the addresses of receivers, within a time limit. An answer is kept for 10 s.
 *
 * <p>A look-up blocks its thread in the C library, for many seconds if the name server is silent. A virtual thread
 * would take a carrier from all others, so each look-up has a thread of its own. There is at most one for each URL;
 * those that workers send to are at most {@link Webhooks#MAX}.
 */
@ApplicationScoped
class LookUpAddresses {
    private static final Duration KEPT = Duration.ofSeconds(10);
    private static final int KEPT_MAX = 1_000;
    static final Duration TIMEOUT = Duration.ofSeconds(5);

    private static final Lookup TOO_SLOW = new Lookup(List.of(), "name not resolved in time", null);

    private final AsyncLoadingCache<WebhookUrl, Lookup> lookups;

    LookUpAddresses(CheckAddresses check) {
        this.lookups = Caffeine.newBuilder()
                .expireAfterWrite(KEPT)
                .maximumSize(KEPT_MAX)
                .executor(Executors.newThreadPerTaskExecutor(
                        Thread.ofPlatform().daemon().name("webhook-lookup-", 0).factory()))
                .buildAsync(url -> lookUp(check, url));
    }

    /**
     * What a look-up has led to. Failures are values, because Caffeine logs an exception with its stack.
     *
     * @param failure why nothing is sent, or null
     * @param refused why no such address is sent to, or null if that is not the failure
     */
    record Lookup(List<InetAddress> addresses, String failure, Refused refused) {}

    private static Lookup lookUp(CheckAddresses check, WebhookUrl url) {
        try {
            return new Lookup(check.resolve(url), null, null);
        } catch (Refused e) {
            return new Lookup(List.of(), e.getMessage(), e);
        } catch (UnknownHostException e) {
            return new Lookup(List.of(), "unknown host", null);
        }
    }

    /** The addresses to which a request to this URL may connect. Done after {@link #TIMEOUT} at the latest. */
    CompletableFuture<Lookup> of(WebhookUrl url) {
        CompletableFuture<Lookup> lookup = lookups.get(url);
        return lookup.isDone()
                ? lookup
                : lookup.copy().completeOnTimeout(TOO_SLOW, TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }
}
