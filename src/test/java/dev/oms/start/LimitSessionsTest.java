package dev.oms.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.embedded.EmbeddedServers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** The limits of sessions in a database that another role has migrated, as after a restore. */
@Tag("full")
class LimitSessionsTest {
    private static final List<String> LIMITED = List.of("30s", "5s", "1min");

    private static EmbeddedServers servers;

    private String name;
    private Ledger administrator;
    private PGSimpleDataSource dataSource;

    @BeforeAll
    static void startServers() {
        servers = EmbeddedServers.start(Map.of("default_transaction_isolation", "serializable"));
    }

    @AfterAll
    static void stopServers() {
        servers.stop();
    }

    /** Each test has a database and a role of its own. The role owns nothing. */
    @BeforeEach
    void createDatabaseAndRole() {
        name = "limited_" + System.nanoTime();
        administrator = new Ledger(OmsServers.dataSource(servers.settings()));
        administrator.execute("create database " + name);
        administrator.execute("create role " + name + " login");
        dataSource = OmsServers.dataSource(servers.settings());
        dataSource.setUser(name);
        dataSource.setDatabaseName(name);
    }

    private List<String> limits() {
        return new Ledger(dataSource)
                .texts("select unnest(array[current_setting('statement_timeout'), current_setting('lock_timeout'),"
                        + " current_setting('idle_in_transaction_session_timeout')])");
    }

    @Test
    void limitsTheRoleThatDidNotMigrate() {
        assertThat(limits()).containsExactly("0", "0", "0");

        assertThat(LimitSessions.limit(dataSource)).isEmpty();

        assertThat(limits()).isEqualTo(LIMITED);
    }

    @Test
    void limitsSessionsAgainAfterARestore() {
        LimitSessions.limit(dataSource);
        administrator.execute("alter role %1$s in database %1$s reset all".formatted(name));
        assertThat(limits()).containsExactly("0", "0", "0");

        assertThat(LimitSessions.limit(dataSource)).isEmpty();

        assertThat(limits()).isEqualTo(LIMITED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "alter role %1$s in database %1$s set statement_timeout = '60s'",
                "alter role %1$s set statement_timeout = '60s'",
                "alter database %1$s set statement_timeout = '60s'"
            })
    void keepsWhatSomebodyHasSet(String set) {
        administrator.execute(set.formatted(name));

        assertThat(LimitSessions.limit(dataSource)).isEmpty();

        assertThat(limits()).containsExactly("1min", "5s", "1min");
    }

    @Test
    void keepsWhatTheServerHas() {
        administrator.execute("alter system set statement_timeout = '10s'");
        administrator.execute("select pg_reload_conf()");
        try {
            await().until(() -> limits().getFirst().equals("10s"));

            assertThat(LimitSessions.limit(dataSource)).isEmpty();

            assertThat(limits()).containsExactly("10s", "5s", "1min");
        } finally {
            administrator.execute("alter system reset statement_timeout");
            administrator.execute("select pg_reload_conf()");
            await().until(() -> !limits().getFirst().equals("10s"));
        }
    }

    @Test
    void saysWhichLimitsSessionsDoNotHave() {
        administrator.execute("alter role %1$s in database %1$s set lock_timeout = 0".formatted(name));

        assertThat(LimitSessions.limit(dataSource))
                .hasValueSatisfying(sentence -> assertThat(sentence)
                        .startsWith(
                                "Sessions of PostgreSQL are not as OMS needs them: lock_timeout is 0 instead of 5s."));
    }

    @Test
    void saysSoOnAServerThatCannotKeepThem() {
        administrator.execute("alter role %s set default_transaction_read_only = on".formatted(name));

        assertThat(LimitSessions.limit(dataSource))
                .hasValueSatisfying(sentence -> assertThat(sentence)
                        .contains(
                                "statement_timeout is 0 instead of 30s",
                                "lock_timeout is 0 instead of 5s",
                                "idle_in_transaction_session_timeout is 0 instead of 60s"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "select 1", // The server's default.
                "alter database %1$s set default_transaction_isolation = 'repeatable read'",
                "alter role %1$s set default_transaction_isolation = 'repeatable read'",
                "alter role %1$s in database %1$s set default_transaction_isolation = 'repeatable read'"
            })
    void isolatesTransactionsAsTheStatementsNeedIt(String set) {
        administrator.execute(set.formatted(name));
        Ledger sessions = new Ledger(dataSource);
        assertThat(sessions.texts("show transaction_isolation")).doesNotContain("read committed");

        assertThat(LimitSessions.limit(dataSource)).isEmpty();

        assertThat(sessions.texts("show transaction_isolation")).containsExactly("read committed");
    }

    @Test
    void letsProcessesStartTogether() throws Exception {
        List<Future<Optional<String>>> starts = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 16; i++) {
                starts.add(threads.submit(() -> LimitSessions.limit(dataSource)));
            }
        }

        for (Future<Optional<String>> start : starts) {
            assertThat(start.get()).isEmpty();
        }
    }
}
