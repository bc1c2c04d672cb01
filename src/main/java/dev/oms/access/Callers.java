package dev.oms.access;

import dev.oms.http.ProblemException;
import io.quarkus.security.identity.CurrentIdentityAssociation;
import jakarta.enterprise.context.ApplicationScoped;

/** Tells a resource who calls it. */
@ApplicationScoped
public class Callers {
    private final CurrentIdentityAssociation identities;

    Callers(CurrentIdentityAssociation identities) {
        this.identities = identities;
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
            if (decision.granted() == 0) {
                throw ProblemException.quotaExceeded(decision.waitSeconds());
            }
        }
    }

    public Caller current() {
        return (Caller) identities.getIdentity().getPrincipal();
    }
}
