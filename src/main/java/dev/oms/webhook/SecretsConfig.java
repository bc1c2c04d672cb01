package dev.oms.webhook;

import io.smallrye.config.ConfigMapping;
import java.util.List;
import java.util.Optional;

/** Settings for secrets that are stored. */
@ConfigMapping(prefix = "oms.secrets")
public interface SecretsConfig {
    /**
     * The keys that encrypt secrets, each the base64 of 32 bytes. The first encrypts; what another has encrypted can
     * still be read. Checked by {@link Secrets}, which does not quote it.
     */
    Optional<List<String>> key();
}
