package dev.oms.start;

import io.quarkus.arc.Unremovable;
import io.smallrye.config.ConfigMapping;
import java.util.Optional;

/**
 * The settings of PostgreSQL that are checked before anything connects, because libraries log a failed connection with
 * its URL and the password in it. Not injected anywhere: reading the settings is the check.
 */
@Unremovable
@ConfigMapping(prefix = "oms.db")
interface DatabaseConfig {
    /** The address of PostgreSQL, if one is set. */
    Optional<JdbcUrl> url();

    /** The address at which web places orders, if one is set. */
    Optional<JdbcUrl> placingUrl();

    /** The password of {@code OMS_DB_USER}. Has no default, which everybody would know. */
    String password();
}
