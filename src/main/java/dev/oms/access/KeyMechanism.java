package dev.oms.access;

import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.vertx.http.runtime.security.ChallengeData;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticationMechanism;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * Authenticates calls by their API key, {@code Authorization: Bearer oms_…}, or their token. {@link Authenticate} has
 * done so by the time that Quarkus asks.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-2.1">RFC 6750 §2.1, Bearer tokens</a>
 */
@ApplicationScoped
class KeyMechanism implements HttpAuthenticationMechanism {
    private static final SecurityIdentity ANYBODY = Caller.ANYBODY.identity(null, null);

    private static final String IDENTITY = KeyMechanism.class.getName();

    private final boolean isOn;

    KeyMechanism(AuthMode mode) {
        this.isOn = mode.isOn();
    }

    static void authenticated(RoutingContext call, SecurityIdentity identity) {
        call.put(IDENTITY, identity);
    }

    @Override
    public Uni<SecurityIdentity> authenticate(RoutingContext call, IdentityProviderManager providers) {
        return Uni.createFrom().item(isOn ? call.<SecurityIdentity>get(IDENTITY) : ANYBODY);
    }

    @Override
    public Uni<ChallengeData> getChallenge(RoutingContext call) {
        return Uni.createFrom().item(new ChallengeData(401, "WWW-Authenticate", Authenticate.CHALLENGE));
    }
}
