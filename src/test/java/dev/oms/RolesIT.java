package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLException;

/** The roles that {@code src/main/postgres/roles.sql} creates: one migrates, the other does everything else. */
@Tag("full")
@EnabledIf(value = "dev.oms.RolesIT#hasPsql", disabledReason = "There is no psql of 15 or later on the PATH")
class RolesIT {
    private static final String OWNER = "oms_owner";
    private static final String USER = "oms";

    private static EmbeddedServers servers;

    static boolean hasPsql() throws IOException {
        if (Child.find("psql").isEmpty()) {
            return false;
        }
        try (var output = new ProcessBuilder("psql", "--version").start().inputReader()) {
            return Integer.parseInt(output.readLine().replaceFirst("\\D*(\\d+).*", "$1")) >= 15;
        }
    }

    @BeforeAll
    static void migrateAsTheOwner() throws IOException, InterruptedException, SQLException {
        servers = EmbeddedServers.start(Map.of("default_transaction_isolation", "serializable"));
        execute("postgres", "postgres", "create database oms");
        createRoles("oms");
        assertThat(oms("migrate", "prod", "oms", OWNER).run("--migrate")).isZero();
    }

    @AfterAll
    static void stopServers() {
        servers.stop();
    }

    private static String url(String database, String user) {
        return servers.settings()
                .get("OMS_DB_URL")
                .replaceFirst("/postgres\\?user=postgres", "/" + database + "?user=" + user);
    }

    private static Map<String, String> settings(String database, String user) {
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("OMS_DB_URL", url(database, user));
        settings.put("OMS_DB_USER", user);
        settings.put("OMS_MIGRATE", "false");
        settings.put("OMS_AUTH", "on");
        return settings;
    }

    private static OmsProcess oms(String name, String role, String database, String user) throws IOException {
        return new OmsProcess("roles-" + name + System.nanoTime(), role, settings(database, user));
    }

    private static void createRoles(String database) throws IOException, InterruptedException {
        createRoles(database, Map.of());
    }

    private static void createRoles(String database, Map<String, String> variables)
            throws IOException, InterruptedException {
        Child psql = startPsql(database, variables);
        assertThat(psql.await()).as("see " + psql.log()).isZero();
    }

    private static Child startPsql(String database, Map<String, String> variables) throws IOException {
        Map<String, String> environment = new HashMap<>(variables);
        environment.put("OMS_DB_OWNER_PASSWORD", "it's the owner's");
        environment.putIfAbsent("OMS_DB_PASSWORD", "oms");
        URI server = URI.create(url(database, "postgres").replace("jdbc:", ""));
        return Child.start(
                Path.of("target/processes/roles-psql.log"),
                environment,
                List.of(
                        "psql",
                        "--no-psqlrc",
                        "postgresql://postgres@localhost:%d/%s".formatted(server.getPort(), database),
                        "--file=src/main/postgres/roles.sql"));
    }

    private static void execute(String database, String user, String sql) throws SQLException {
        try (Connection connection =
                        OmsServers.dataSource(settings(database, user)).getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String query(String database, String user, String sql) throws SQLException {
        try (Connection connection =
                        OmsServers.dataSource(settings(database, user)).getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    @Test
    void theRoleThatOwnsNothingRunsEverything() throws IOException, InterruptedException, SQLException {
        // What CheckRights does not ask for.
        execute(
                "oms",
                OWNER,
                "revoke update, delete on events, stock_movements from oms;"
                        + " revoke delete on api_keys, order_lines, orders, users from oms;"
                        + " revoke insert, update, delete on imports from oms");
        String key = oms("key", "prod", "oms", USER)
                .read("--create-key", "me", "--role", "admin")
                .strip();
        assertThat(oms("seed", "prod", "oms", USER).run("--seed")).isZero();
        Map<String, String> placing = settings("oms", USER);
        // Another URL, so that web compares the databases.
        placing.put("OMS_DB_PLACING_URL", placing.get("OMS_DB_URL") + "&tcpKeepAlive=true");

        try (OmsProcess web = new OmsProcess("roles-web" + System.nanoTime(), "prod", placing);
                OmsProcess worker = oms("worker", "worker", "oms", USER)) {
            web.start();
            worker.start();
            web.awaitReady();
            worker.awaitReady();
            String item = "{\"name\":\"Roles\",\"quantity\":5,\"threshold\":1}";
            assertThat(call(web, key, "POST", "/inventory_items", item).statusCode())
                    .isEqualTo(201);

            HttpResponse<String> placed = call(web, key, "POST", "/orders?user_id=1", "{\"items\":{\"Roles\":1}}");
            assertThat(placed.statusCode()).as(placed.body()).isEqualTo(201);
            String order = placed.headers().firstValue("Location").orElseThrow();
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(() ->
                            assertThat(call(web, key, "GET", order, "").body()).contains("Confirmed"));
            assertThat(call(web, key, "POST", order + "/cancel", "").statusCode())
                    .isBetween(200, 204);
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(
                            () -> assertThat(query("oms", USER, "select count(*) from orders where due is not null"))
                                    .isEqualTo("0"));
            assertThat(call(web, key, "POST", "/inventory_items/audit", "").statusCode())
                    .isBetween(200, 202);
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertThat(call(web, key, "GET", "/inventory_items/audit", "")
                                    .body())
                            .contains("\"Complete\"", "\"count\":0"));
        }
        assertThat(oms("audit", "prod", "oms", USER).run("--audit")).isZero();
    }

    private static HttpResponse<String> call(OmsProcess web, String key, String method, String path, String body)
            throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(web.uri(path))
                    .header("Authorization", "Bearer " + key)
                    .header("Content-Type", "application/json")
                    .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                    .build();
            return client.send(request, BodyHandlers.ofString());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create table mine ()",
                "create temporary table mine ()",
                "create schema mine",
                "create function mine() returns int language sql return 1",
                "drop table events",
                "alter table orders add column mine int",
                "create index on orders (user_id)",
                "truncate idempotency_keys",
                "drop schema public cascade",
                "create role another",
                "set role oms_owner"
            })
    void theRoleThatOwnsNothingCannotChangeTheSchema(String sql) {
        assertThatThrownBy(() -> execute("oms", USER, sql))
                .isInstanceOfSatisfying(
                        PSQLException.class,
                        e -> assertThat(e.getSQLState())
                                // insufficient_privilege
                                .isEqualTo("42501"));
    }

    @Test
    void neitherRoleIsASuperuserAndBothAreLimited() throws IOException, InterruptedException, SQLException {
        assertThat(oms("limits", "prod", "oms", USER).run("--seed")).isZero();
        assertThat(
                        query(
                                "oms",
                                USER,
                                "select count(*) from pg_roles where rolname in ('oms', 'oms_owner') and rolcanlogin"
                                        + " and not (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)"))
                .isEqualTo("2");
        for (String user : List.of(USER, OWNER)) {
            assertThat(query("oms", user, "show statement_timeout")).isEqualTo("30s");
            assertThat(query("oms", user, "show lock_timeout")).isEqualTo("5s");
            assertThat(query("oms", user, "show idle_in_transaction_session_timeout"))
                    .isEqualTo("1min");
            assertThat(query("oms", user, "show transaction_isolation")).isEqualTo("read committed");
        }
        assertThat(query(
                        "oms",
                        USER,
                        "select string_agg(distinct tableowner, ',') from pg_tables where schemaname = 'public'"))
                .isEqualTo(OWNER);
    }

    @Test
    void theRoleThatOwnsNothingAdvancesASequence() throws IOException, InterruptedException, SQLException {
        execute("oms", OWNER, "insert into audits (id, status) values (1000, 'Failed')");
        OmsProcess started = oms("sequence", "prod", "oms", USER);

        assertThat(started.run("--seed")).isZero();

        assertThat(query("oms", OWNER, "select last_value from audits_id_seq")).isEqualTo("2000");
        execute("oms", OWNER, "revoke update on sequence audits_id_seq from oms");
        execute("oms", OWNER, "select setval('audits_id_seq', 1)");
        assertThat(started.run("--seed")).isNotZero();
        assertThat(started.logged(
                        "OMS did not start: the sequence of audits.id is at 1, but the table has the id 1000."))
                .isOne();
        execute("oms", OWNER, "revoke usage on sequence audits_id_seq from oms");
        assertThat(started.run("--seed")).isZero();
        assertThat(started.logged(
                        "It is not known whether the sequence of audits.id is behind (OMS_DB_USER may not read it)"))
                .isOne();
        execute("oms", OWNER, "select setval('audits_id_seq', 1000)");
        execute("oms", OWNER, "grant usage, update on sequence audits_id_seq to oms");
    }

    @Test
    void theTablesOfALaterMigrationCanBeUsed() throws SQLException {
        execute("oms", OWNER, "create table later (id bigint generated always as identity, name text)");

        execute("oms", USER, "insert into later (name) values ('x'); update later set name = 'y'; delete from later");
        execute("oms", USER, "select nextval('later_id_seq')");

        execute("oms", OWNER, "drop table later");
    }

    @Test
    void anEmptyPasswordIsRefused() throws IOException, InterruptedException {
        Child psql = startPsql("oms", Map.of("OMS_DB_PASSWORD", ""));

        assertThat(psql.await()).isEqualTo(3);
        assertThat(psql.log())
                .content()
                .contains("OMS_DB_OWNER_PASSWORD and OMS_DB_PASSWORD must be set and must not be empty");
    }

    /** An installation from before there were two roles keeps its user as the owner, and can be brought up to date. */
    @Test
    void canBeRunAfterMigrating() throws IOException, InterruptedException, SQLException {
        execute("postgres", "postgres", "create database older owner oms_owner");
        assertThat(oms("older", "prod", "older", OWNER).run("--migrate")).isZero();

        createRoles("older");
        createRoles("older");

        assertThat(oms("older-seed", "prod", "older", USER).run("--seed")).isZero();
        assertThat(query("older", USER, "select count(*) from orders")).isEqualTo("10000");
    }

    @Test
    void twoInstallationsShareADatabase() throws IOException, InterruptedException, SQLException {
        execute("postgres", "postgres", "create database shared");
        List<String> names = List.of("one", "two");

        for (String name : names) {
            createRoles(
                    "shared",
                    Map.of("OMS_DB_SCHEMA", name, "OMS_DB_OWNER", "owner_" + name, "OMS_DB_USER", "user_" + name));
        }

        for (String name : names) {
            OmsProcess migrate = oms("shared-" + name, "prod", "shared", "owner_" + name);
            assertThat(migrate.run("--migrate")).isZero();
            // Flyway's has some 70 parameters.
            assertThat(migrate.logged("jdbc:postgresql:")).isZero();
            assertThat(query("shared", "user_" + name, "select count(*) from users"))
                    .isEqualTo("0");
            assertThat(query("shared", "user_" + name, "select current_schema()"))
                    .isEqualTo(name);
        }
    }

    @Test
    void canUseAnotherSchema() throws IOException, InterruptedException, SQLException {
        execute("postgres", "postgres", "create database elsewhere");

        createRoles("elsewhere", Map.of("OMS_DB_SCHEMA", "my \"shop\""));

        assertThat(oms("elsewhere", "prod", "elsewhere", OWNER).run("--migrate"))
                .isZero();
        assertThat(oms("elsewhere-seed", "prod", "elsewhere", USER).run("--seed"))
                .isZero();
        assertThat(query("elsewhere", USER, "select count(*) from orders")).isEqualTo("10000");
        assertThat(query(
                        "elsewhere",
                        "postgres",
                        "select string_agg(distinct schemaname, ',') from pg_stat_user_tables"))
                .isEqualTo("my \"shop\"");
    }
}
