package dev.oms.access;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.util.Optional;

/** Settings for the tokens of an OpenID Connect issuer, which are accepted beside keys. */
@ConfigMapping(prefix = "oms.oidc")
public interface TokenConfig {
    /** The issuer, below which its {@code .well-known/openid-configuration} is. Without it no token is accepted. */
    Optional<String> url();

    /** What a token's {@code aud} must contain. */
    Optional<String> audience();

    /** The claim that lists roles, as a path such as {@code realm_access/roles}. */
    @WithDefault("groups")
    String rolesClaim();

    /** The claim with the id of the user that a token with the role customer is bound to. */
    @WithDefault("oms_user_id")
    String userClaim();
}
