package dev.oms.start;

import io.quarkus.arc.Unremovable;
import io.smallrye.config.ConfigMapping;
import java.util.Optional;

/**
 * The settings of PostgreSQL that are checked before anything connects. What fails while connecting is logged by
 * libraries, which quote the URL and the password in it. Nobody injects this interface; it is there for the check.
 */
@Unremovable
@ConfigMapping(prefix = "oms.db")
interface DatabaseConfig {
    /** The address of PostgreSQL, if one is set. */
    Optional<JdbcUrl> url();

    /** The address at which web places orders, if one is set. */
    Optional<JdbcUrl> placingUrl();

    /** The password of {@code OMS_DB_USER}. Required, since a default would be known to everybody. */
    String password();
}
