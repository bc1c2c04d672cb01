package dev.oms;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.OmsProcess;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.restassured.RestAssured;
import io.restassured.specification.RequestSpecification;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Runs PostgreSQL and Redis for the tests: the embedded servers of dev mode. PostgreSQL's default isolation level is
 * not the one that OMS needs, and its tables are in the schema that {@code oms.test.schema} names.
 */
public final class OmsServers implements QuarkusTestResourceLifecycleManager {
    private static final String SCHEMA = System.getProperty("oms.test.schema", "public");

    private static EmbeddedServers servers;
    private static Ledger ledger;
    private static Streams streams;
    private static int managementPort;

    @Override
    public Map<String, String> start() {
        if (servers == null) {
            servers = EmbeddedServers.start(Map.of("default_transaction_isolation", "serializable"));
            ledger = new Ledger(dataSource(inSchema()));
            ledger.execute("create schema if not exists " + SCHEMA);
            streams = new Streams(servers.settings().get("OMS_REDIS_URL"));
        }
        Map<String, String> settings = inSchema();
        // On a busy machine a test's calls may wait longer for a connection. OverloadTest tests the limit.
        settings.put("quarkus.datasource.jdbc.acquisition-timeout", "20S");
        managementPort = freePort();
        settings.put("quarkus.management.port", Integer.toString(managementPort));
        settings.put("quarkus.management.test-port", Integer.toString(managementPort));
        return settings;
    }

    private static Map<String, String> inSchema() {
        Map<String, String> settings = new HashMap<>(servers.settings());
        if (!SCHEMA.equals("public")) {
            settings.computeIfPresent("OMS_DB_URL", (key, url) -> url + "&currentSchema=" + SCHEMA);
        }
        return settings;
    }

    /** A data source for the database that the settings name. */
    public static PGSimpleDataSource dataSource(Map<String, String> settings) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(settings.get("OMS_DB_URL"));
        dataSource.setUser(settings.get("OMS_DB_USER"));
        dataSource.setPassword(settings.get("OMS_DB_PASSWORD"));
        return dataSource;
    }

    /** Does nothing: servers and data are kept across test profiles, until the test run ends. */
    @Override
    public void stop() {}

    /** The servers, for tests that stop one of them. */
    public static EmbeddedServers servers() {
        return servers;
    }

    /** A call on the port for health checks and metrics, {@code quarkus.management.port}. */
    public static RequestSpecification management() {
        if (RestAssured.baseURI == null) {
            // Quarkus has set none of these if no process that it tested has listened on the main port.
            RestAssured.port = RestAssured.UNDEFINED_PORT;
            RestAssured.baseURI = RestAssured.DEFAULT_URI;
            RestAssured.basePath = RestAssured.DEFAULT_PATH;
        }
        return RestAssured.given().port(managementPort);
    }

    public static int managementPort() {
        return managementPort;
    }

    private static int freePort() {
        try {
            return OmsProcess.freePort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static Ledger ledger() {
        return ledger;
    }

    public static Streams streams() {
        return streams;
    }
}
