package dev.oms.access;

import io.quarkus.oidc.OidcRequestContext;
import io.quarkus.oidc.OidcTenantConfig;
import io.quarkus.oidc.TenantConfigResolver;
import io.quarkus.oidc.runtime.OidcConfig;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * Decides at the start whose tokens are accepted. Quarkus reads the issuer's metadata and keys when the first token is
 * to be verified, so that web starts without the issuer.
 */
@ApplicationScoped
class TrustIssuer implements TenantConfigResolver {
    private static final String TENANT = "oms";

    /** A new connection to the issuer takes no longer. */
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);

    /** The issuer's clock may differ by so much. */
    static final int CLOCK_SKEW_SECONDS = 10;

    /** A token with an unknown key makes Quarkus read the issuer's keys again, but no more often than this. */
    private static final Duration KEYS_READ_EVERY_MIN = Duration.ofSeconds(10);

    /** Quarkus takes this word for any audience. */
    private static final String ANY = "any";

    private final TokenConfig config;
    private final boolean isOn;
    private final Uni<OidcTenantConfig> tenant;

    TrustIssuer(TokenConfig config, OidcConfig defaults, AuthMode mode) {
        this.config = config;
        this.isOn = config.url().isPresent() && mode.isGuarded();
        this.tenant = Uni.createFrom().item(isOn ? tenant(config, defaults) : null);
    }

    private static OidcTenantConfig tenant(TokenConfig config, OidcConfig defaults) {
        return OidcTenantConfig.builder(defaults.namedTenants().get(OidcConfig.DEFAULT_TENANT_KEY))
                .tenantId(TENANT)
                .enableTenant()
                .authServerUrl(config.url().orElseThrow())
                .connectionTimeout(CONNECT_TIMEOUT)
                .roles()
                .roleClaimPath(config.rolesClaim())
                .end()
                .token()
                .audience(config.audience().orElse(""))
                .subjectRequired()
                .lifespanGrace(CLOCK_SKEW_SECONDS)
                .forcedJwkRefreshInterval(KEYS_READ_EVERY_MIN)
                .allowJwtIntrospection(false)
                .allowOpaqueTokenIntrospection(false)
                .end()
                .build();
    }

    void check(@Observes StartupEvent event) {
        if (!isOn) {
            return;
        }
        if (!isUrl(config.url().get())) {
            throw new ConfigurationException(
                    "OMS_OIDC_URL is not a URL, such as https://login.example.com/realms/shop.");
        }
        Optional<String> audience = config.audience();
        if (audience.isEmpty() || audience.get().equals(ANY)) {
            throw new ConfigurationException(
                    "OMS_OIDC_AUDIENCE is needed with OMS_OIDC_URL: the audience that tokens for OMS name.");
        }
    }

    private static boolean isUrl(String text) {
        try {
            URI uri = URI.create(text);
            return Set.of("http", "https").contains(String.valueOf(uri.getScheme())) && uri.getHost() != null;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** Whether tokens are accepted. */
    boolean isOn() {
        return isOn;
    }

    @Override
    public Uni<OidcTenantConfig> resolve(RoutingContext call, OidcRequestContext<OidcTenantConfig> context) {
        return tenant;
    }
}
