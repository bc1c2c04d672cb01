package dev.oms.access;

import dev.oms.http.ProblemException;
import io.quarkus.security.identity.CurrentIdentityAssociation;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/** Tells a resource who calls it. */
@ApplicationScoped
public class Callers {
    /** The attribute of an identity: when the key or token expires; absent if never. */
    static final String END = "end";

    private final CurrentIdentityAssociation identities;
    private final RoutingContext call;
    private final Clock clock;

    Callers(CurrentIdentityAssociation identities, RoutingContext call, Clock clock) {
        this.identities = identities;
        this.call = call;
        this.clock = clock;
    }

    /**
     * Takes what a call costs beyond the one unit that every call does.
     *
     * @param units more than the caller has in a second count as all that it has
     * @throws ProblemException 429 when it has too few left
     */
    public void charge(int units) {
        SharedQuota quota = identities.getIdentity().getAttribute(Quotas.ATTRIBUTE);
        // The call itself has taken one.
        int left = quota == null ? 0 : Math.min(units, quota.quota().unitsPerSecond() - 1);
        if (left > 0) {
            Quota.Decision decision = quota.take(left).toCompletableFuture().join();
            call.response().putHeader(Authenticate.LIMIT, decision.header());
            if (decision.granted() == 0) {
                throw ProblemException.quotaExceeded(decision.waitSeconds());
            }
        }
    }

    /**
     * How long the key or token of the current caller is still accepted.
     *
     * @param atMost returned when that is longer
     * @return always positive
     */
    public Duration timeLeft(Duration atMost) {
        Instant end = identities.getIdentity().getAttribute(END);
        if (end == null) {
            return atMost;
        }
        Duration left = Duration.between(clock.instant(), end);
        if (left.compareTo(atMost) > 0) {
            return atMost;
        }
        return left.isPositive() ? left : Duration.ofMillis(1);
    }

    public Caller current() {
        return (Caller) identities.getIdentity().getPrincipal();
    }
}
