package dev.oms;

import dev.oms.embedded.EmbeddedServers;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.util.HashMap;
import java.util.Map;
import org.postgresql.ds.PGSimpleDataSource;

/** A real PostgreSQL and a real Redis for the tests: the ones of dev mode. */
public final class OmsServers implements QuarkusTestResourceLifecycleManager {
    private static EmbeddedServers servers;
    private static Ledger ledger;
    private static Streams streams;

    @Override
    public Map<String, String> start() {
        if (servers == null) {
            servers = EmbeddedServers.start();
            ledger = new Ledger(dataSource(servers.settings()));
            streams = new Streams(servers.settings().get("OMS_REDIS_URL"));
        }
        Map<String, String> settings = new HashMap<>(servers.settings());
        // A busy machine is no reason to refuse a test's calls; OverloadTest knows when there is one.
        settings.put("quarkus.datasource.jdbc.acquisition-timeout", "20S");
        return settings;
    }

    /** The database that settings name. */
    public static PGSimpleDataSource dataSource(Map<String, String> settings) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(settings.get("OMS_DB_URL"));
        dataSource.setUser(settings.get("OMS_DB_USER"));
        dataSource.setPassword(settings.get("OMS_DB_PASSWORD"));
        return dataSource;
    }

    /** They end with the test run: between two test profiles they go on, and so does what is in them. */
    @Override
    public void stop() {}

    /** The servers, for a test that takes one of them away. */
    public static EmbeddedServers servers() {
        return servers;
    }

    /** What is in the database. */
    public static Ledger ledger() {
        return ledger;
    }

    /** What is in Redis. */
    public static Streams streams() {
        return streams;
    }
}
