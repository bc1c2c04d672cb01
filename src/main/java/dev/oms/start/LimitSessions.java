package dev.oms.start;

import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Sets the limits of every session as settings of the role in this database, unless somebody has set others for the
 * role, the database or the server, and warns if sessions do not have them. A migration alone is not enough: a dump
 * does not contain settings of roles, and another role may have migrated.
 *
 * <p>Settings of a role also hold for the sessions that PgBouncer opens, and nothing of a session's own would survive
 * its transaction mode.
 *
 * @see <a href="https://www.postgresql.org/docs/current/sql-alterrole.html">ALTER ROLE</a>
 */
@ApplicationScoped
class LimitSessions {
    private static final Logger LOG = Logger.getLogger(LimitSessions.class);

    private static final int TIMEOUT_SECONDS = 15;

    /**
     * A setting that every session needs.
     *
     * @param mayDiffer whether somebody may have set another value; if so, any but 0, which is no limit
     */
    private record Setting(String name, String value, boolean mayDiffer) {
        boolean allows(String found) {
            return mayDiffer ? !found.equals("0") : found.equals(value);
        }
    }

    private static final List<Setting> SETTINGS = List.of(
            new Setting("statement_timeout", "30s", true),
            new Setting("lock_timeout", "5s", true),
            new Setting("idle_in_transaction_session_timeout", "60s", true),
            new Setting("default_transaction_isolation", "read committed", false));

    // "OMSL": processes that start at the same time would update the same row, which fails.
    private static final String SET = """
            do $$
            declare
                wanted record;
            begin
                perform pg_advisory_xact_lock(x'4F4D534C'::bigint);
                for wanted in
                    select name, value from (values %s) w (name, value, may_differ)
                    -- What the session began with, whatever PgBouncer has set since.
                    where not (may_differ and (select reset_val <> '0' from pg_settings p where p.name = w.name))
                    and not exists (
                        select 1
                        from pg_db_role_setting s, unnest(s.setconfig) entry,
                            (select oid from pg_roles where rolname = session_user) me,
                            (select oid from pg_database where datname = current_database()) here
                        where s.setrole in (0, me.oid) and s.setdatabase in (0, here.oid) and case
                            when may_differ then split_part(entry, '=', 1) = w.name
                            else entry = w.name || '=' || value and s.setrole = me.oid and s.setdatabase = here.oid end)
                loop
                    execute format('alter role session_user in database %%I set %%I = %%L',
                        current_database(), wanted.name, wanted.value);
                end loop;
            end $$""".formatted(SETTINGS.stream()
            .map(each -> "('%s', '%s', %s)".formatted(each.name(), each.value(), each.mayDiffer()))
            .collect(Collectors.joining(", ")));

    private static final String SHOW = "select "
            + SETTINGS.stream()
                    .map(each -> "current_setting('%s')".formatted(each.name()))
                    .collect(Collectors.joining(", "));

    private final Set<String> urls = new LinkedHashSet<>();
    private final Optional<String> user;
    private final Optional<String> password;

    LimitSessions(
            @ConfigProperty(name = "quarkus.datasource.jdbc.url") Optional<String> url,
            @ConfigProperty(name = "quarkus.datasource.placing.jdbc.url") Optional<String> placingUrl,
            @ConfigProperty(name = "quarkus.datasource.username") Optional<String> user,
            @ConfigProperty(name = "quarkus.datasource.password") Optional<String> password) {
        Stream.of(url, placingUrl).flatMap(Optional::stream).forEach(urls::add);
        this.user = user;
        this.password = password;
    }

    // After CheckSchema and CheckPlacingUrl, and before RenewConnections.
    void onStart(@Observes @Priority(3) StartupEvent event) {
        for (String url : urls) {
            PGSimpleDataSource dataSource = new PGSimpleDataSource();
            dataSource.setUrl(url);
            user.ifPresent(dataSource::setUser);
            password.ifPresent(dataSource::setPassword);
            dataSource.setLoginTimeout(TIMEOUT_SECONDS);
            dataSource.setSocketTimeout(TIMEOUT_SECONDS);
            limit(dataSource).ifPresent(LOG::warn);
        }
    }

    /**
     * Sets what the sessions have that begin from now on.
     *
     * @return a sentence that says what they do not have, if anything
     */
    static Optional<String> limit(DataSource dataSource) {
        try {
            try (Connection connection = dataSource.getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute(SET);
            } catch (SQLException e) {
                // The server may be read-only. What counts is what a session has.
                LOG.debug("The limits of sessions cannot be set", e);
            }
            // Another connection: a session keeps what its role had when it began.
            List<String> missing = missing(dataSource);
            return missing.isEmpty()
                    ? Optional.empty()
                    : Optional.of("Sessions of PostgreSQL are not as OMS needs them: " + String.join(", ", missing)
                            + ". If PgBouncer has opened them before this start, reconnect it; otherwise see"
                            + " \"Sessions\" in configuration.md.");
        } catch (SQLException e) {
            return Optional.of(
                    "It is not known whether sessions of PostgreSQL are as OMS needs them: " + e.getMessage());
        }
    }

    private static List<String> missing(DataSource dataSource) throws SQLException {
        List<String> missing = new ArrayList<>();
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(SHOW)) {
            row.next();
            for (int i = 0; i < SETTINGS.size(); i++) {
                Setting each = SETTINGS.get(i);
                String value = row.getString(i + 1);
                if (!each.allows(value)) {
                    missing.add("%s is %s instead of %s".formatted(each.name(), value, each.value()));
                }
            }
        }
        return missing;
    }
}
