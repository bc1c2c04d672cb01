package dev.oms.access;

import io.quarkus.arc.Unremovable;
import io.quarkus.oidc.common.OidcRequestFilter;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;

/**
 * Gives an issuer that does not answer a deadline. Quarkus, which looks for this filter by itself, would wait forever.
 */
@ApplicationScoped
@Unremovable
class LimitIssuerWaits implements OidcRequestFilter {
    private static final Duration RESPONSE_TIMEOUT = Duration.ofSeconds(3);

    @Override
    public Uni<Void> filter(OidcRequestFilterContext context) {
        context.request().timeout(RESPONSE_TIMEOUT.toMillis());
        return Uni.createFrom().voidItem();
    }
}
