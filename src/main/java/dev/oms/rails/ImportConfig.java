package dev.oms.rails;

import io.smallrye.config.ConfigMapping;
import java.util.Optional;

/** Who reads the database of the Rails service. A password in the URL could be seen in the list of processes. */
@ConfigMapping(prefix = "oms.import")
public interface ImportConfig {
    /** Takes precedence over the user of the URL. */
    Optional<String> user();

    /** Takes precedence over the password of the URL. */
    Optional<String> password();
}
