package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The packaged application as a process: its start, the sentences with which a start fails, and its tasks. */
@Tag("full")
class StartIT {
    private static final List<WrongSetting> WRONG_SETTINGS = List.of(
            new WrongSetting("OMS_DB_URL", "", "OMS_DB_URL is empty."),
            new WrongSetting(
                    "OMS_DB_URL",
                    "jdbc:postgresql://localhost:1/oms",
                    "PostgreSQL at OMS_DB_URL cannot be used: Connection to localhost:1 refused."),
            new WrongSetting("OMS_DB_PLACING_URL", "", "OMS_DB_PLACING_URL is empty."),
            new WrongSetting("OMS_DB_PLACING_URL", "foo", "OMS_DB_PLACING_URL is not a JDBC URL of PostgreSQL, "),
            new WrongSetting(
                    "OMS_DB_PLACING_URL",
                    "jdbc:postgresql://localhost:1/oms",
                    "PostgreSQL at OMS_DB_PLACING_URL cannot be used: Connection to localhost:1 refused."),
            new WrongSetting(
                    "OMS_REDIS_URL", "foo", "OMS_REDIS_URL is not a Redis URL, such as redis://localhost:6379."),
            new WrongSetting("OMS_REDIS_URL", "", "OMS_REDIS_URL is empty."),
            new WrongSetting(
                    "OMS_REDIS_URL",
                    "redis://localhost:99999",
                    "OMS_REDIS_URL is not a Redis URL, such as redis://localhost:6379."),
            new WrongSetting(
                    "OMS_REDIS_PREFIX",
                    "shop b",
                    "OMS_REDIS_PREFIX must be 1 to 64 letters, digits, braces or any of _ - . :"),
            new WrongSetting("OMS_DB_USER", "nobody", "PostgreSQL rejects OMS_DB_USER or OMS_DB_PASSWORD: FATAL:"),
            new WrongSetting(
                    "QUARKUS_DATASOURCE_JDBC_MAX_SIZE", "0", "QUARKUS_DATASOURCE_JDBC_MAX_SIZE must be at least 2."),
            new WrongSetting(
                    "QUARKUS_DATASOURCE_JDBC_MAX_SIZE", "-1", "QUARKUS_DATASOURCE_JDBC_MAX_SIZE must be at least 2."),
            new WrongSetting(
                    "QUARKUS_DATASOURCE_JDBC_MAX_SIZE", "1", "QUARKUS_DATASOURCE_JDBC_MAX_SIZE must be at least 2."),
            new WrongSetting(
                    "QUARKUS_DATASOURCE_JDBC_ACQUISITION_TIMEOUT",
                    // A native binary may have a connection after a millisecond.
                    "PT0.000001S",
                    "PostgreSQL at OMS_DB_URL gave no connection within QUARKUS_DATASOURCE_JDBC_ACQUISITION_TIMEOUT "),
            new WrongSetting(
                    "QUARKUS_DATASOURCE_JDBC_MAX_SIZE", "abc", "QUARKUS_DATASOURCE_JDBC_MAX_SIZE cannot be \"abc\": "),
            new WrongSetting(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    "localhost:4317",
                    "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL, such as http://localhost:4317."),
            new WrongSetting(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    "http://localhost:99999",
                    "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL, such as http://localhost:4317."),
            new WrongSetting(
                    "OMS_FLOW_EVERY", "0s", "OMS_FLOW_EVERY must be off or a duration of at least 1s, such as 5s."),
            new WrongSetting(
                    "QUARKUS_PROFILE", "wroker", "QUARKUS_PROFILE must be prod (the web role) or worker, not wroker."),
            new WrongSetting("QUARKUS_HTTP_PORT", "x", "QUARKUS_HTTP_PORT cannot be \"x\":"),
            new WrongSetting("QUARKUS_HTTP_PORT", "77777", "QUARKUS_HTTP_PORT is wrong:"),
            new WrongSetting("QUARKUS_MANAGEMENT_PORT", "x", "QUARKUS_MANAGEMENT_PORT cannot be \"x\":"),
            new WrongSetting("QUARKUS_MANAGEMENT_PORT", "77777", "QUARKUS_MANAGEMENT_PORT is wrong:"),
            new WrongSetting("OMS_HTTP_MAX_CALLS", "many", "OMS_HTTP_MAX_CALLS cannot be \"many\":"),
            new WrongSetting("OMS_HTTP_MAX_CALLS", "0", "OMS_HTTP_MAX_CALLS must be greater than or equal to 1"),
            new WrongSetting("OMS_HTTP_MAX_CALLS", "-5", "OMS_HTTP_MAX_CALLS must be greater than or equal to 1"),
            new WrongSetting(
                    "OMS_SEED", "maybe", "OMS_SEED cannot be \"maybe\": it is neither true (or on) nor false (or off)"),
            new WrongSetting(
                    "OMS_MIGRATE",
                    "maybe",
                    "OMS_MIGRATE cannot be \"maybe\": it is neither true (or on) nor false (or off)"),
            new WrongSetting(
                    "OMS_JOB_CONSUMER_BATCH_SIZE",
                    "0",
                    "OMS_JOB_CONSUMER_BATCH_SIZE must be greater than or equal to 1"),
            new WrongSetting(
                    "OMS_JOB_CONSUMER_EVERY",
                    "often",
                    "OMS_JOB_CONSUMER_EVERY must be off or a duration of at least 1s, such as 5s."),
            new WrongSetting("OMS_IDEMPOTENCY_PURGE_EVERY", "", "OMS_IDEMPOTENCY_PURGE_EVERY is empty."),
            new WrongSetting(
                    "OMS_AUDIT_EVERY",
                    "seldom",
                    "OMS_AUDIT_EVERY must be off or a duration of at least 1s, such as 5s."),
            new WrongSetting("OMS_OIDC_URL", "foo", "OMS_OIDC_URL is not a URL, such as https://"),
            new WrongSetting("OMS_OIDC_URL", "https://localhost", "OMS_OIDC_AUDIENCE is needed with OMS_OIDC_URL: "),
            new WrongSetting(
                    "OMS_WEBHOOKS_ALLOW",
                    "10.0.0.0/8,10.0.0.0/33",
                    "OMS_WEBHOOKS_ALLOW cannot be \"10.0.0.0/8,10.0.0.0/33\": 10.0.0.0/33 must end with a prefix length of "
                            + "0 to 32."),
            new WrongSetting(
                    "OMS_SECRETS_KEY", "c2VjcmV0", "OMS_SECRETS_KEY must be the base64 of 32 random bytes, as openssl"),
            new WrongSetting("OMS_OIDC_ROLES_CLAIM", "", "OMS_OIDC_ROLES_CLAIM is empty."),
            new WrongSetting("OMS_IDEMPOTENCY_KEEP", "1y", "OMS_IDEMPOTENCY_KEEP cannot be \"1y\":"));

    private static final Pattern NOISE =
            Pattern.compile("\"level\":\"(WARN|ERROR)|^\\d\\S+ \\S+ (WARN|ERROR)|^\\s+at |Exception");

    private static final int STARTS_AT_ONCE = 4;

    private static final Map<WrongSetting, Future<Exit>> STARTS = new HashMap<>();

    private static EmbeddedServers servers;

    @BeforeAll
    static void startServers() {
        servers = EmbeddedServers.start();
        // In parallel, because one after the other they take a minute. They finish before a test changes the database.
        try (ExecutorService threads = Executors.newFixedThreadPool(STARTS_AT_ONCE)) {
            WRONG_SETTINGS.forEach(wrong -> STARTS.put(wrong, threads.submit(() -> run(wrong.asMap()))));
        }
    }

    @AfterAll
    static void stopServers() {
        servers.stop();
    }

    /**
     * A setting that makes the start fail.
     *
     * @param sentence the beginning of the message
     */
    private record WrongSetting(String name, String value, String sentence) {
        Map<String, String> asMap() {
            // Without keys there are no tokens, and nothing about them can be wrong.
            return name.startsWith("OMS_OIDC") ? Map.of(name, value, "OMS_AUTH", "on") : Map.of(name, value);
        }
    }

    private record Exit(int code, String lastLine, List<String> noise) {
        Exit(int code, String lastLine) {
            this(code, lastLine, List.of());
        }
    }

    private static Exit run(Map<String, String> settings, String... arguments)
            throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>(servers.settings());
        // Names the user, and would take precedence.
        environment.computeIfPresent("OMS_DB_URL", (key, url) -> url.replace("?user=postgres", ""));
        environment.putAll(settings);
        OmsProcess oms = new OmsProcess(
                "start-" + System.nanoTime(), settings.getOrDefault("QUARKUS_PROFILE", "prod"), environment);
        int exitCode = oms.run(arguments);
        List<String> lines = Files.readAllLines(oms.log());
        // The log is empty after a "--health" that succeeds.
        return new Exit(
                exitCode,
                lines.stream().reduce("", (earlier, line) -> line),
                lines.stream().filter(StartIT::isNoise).toList());
    }

    /** What a failed start must not print beside its sentence: warnings, errors and stack traces. */
    private static boolean isNoise(String line) {
        return NOISE.matcher(line).find()
                && !line.contains("OMS_AUTH is off")
                // What Vert.x itself says of a management port above 65,535.
                && !line.contains("Uncaught exception received by Vert.x");
    }

    @ParameterizedTest
    @FieldSource("WRONG_SETTINGS")
    void namesTheWrongSettingInOneSentence(WrongSetting wrong) throws ExecutionException, InterruptedException {
        Exit exit = STARTS.get(wrong).get();

        assertThat(exit.code()).isNotZero();
        assertThat(exit.lastLine()).startsWith("OMS did not start: " + wrong.sentence());
        assertThat(exit.noise()).isEmpty();
    }

    /** Nothing that runs on a schedule has begun, whatever the start fails of. */
    @ParameterizedTest
    @ValueSource(strings = {"OMS_DB_URL=jdbc:postgresql://localhost:1/oms", "OMS_DB_USER=nobody"})
    void aWorkerThatDoesNotStartPrintsItsSentenceAlone(String setting) throws IOException, InterruptedException {
        String[] wrong = setting.split("=");
        Exit exit = run(Map.of("QUARKUS_PROFILE", "worker", "OMS_MIGRATE", "false", wrong[0], wrong[1]));

        assertThat(exit.code()).isNotZero();
        assertThat(exit.lastLine()).startsWith("OMS did not start: PostgreSQL ");
        assertThat(exit.noise()).isEmpty();
    }

    /** The run in which the image's AOT cache is trained has no server. */
    @Test
    void endsAfterInitializingAsTheDockerfileSays() throws IOException, InterruptedException {
        Matcher training = Pattern.compile("RUN ((?:\\w+=\\w+ )+)\\\\\\R\\s+java -XX:AOTCacheOutput")
                .matcher(Files.readString(Path.of("src/main/docker/Dockerfile.jvm")));
        assertThat(training.find()).isTrue();
        Map<String, String> settings = Stream.of(training.group(1).split(" "))
                .map(setting -> setting.split("="))
                .collect(Collectors.toMap(setting -> setting[0], setting -> setting[1]));
        assertThat(settings).containsEntry("QUARKUS_INIT_AND_EXIT", "true");
        settings.put("OMS_DB_URL", "jdbc:postgresql://localhost:1/oms");
        settings.put("OMS_REDIS_URL", "redis://localhost:1");

        Exit exit = run(settings);

        assertThat(exit.lastLine()).doesNotContain("OMS did not start");
        assertThat(exit.code()).isZero();
        assertThat(exit.noise()).isEmpty();
    }

    @Test
    void logsNoKeysThatAreTheSameInEveryLine() throws IOException {
        try (OmsProcess worker = new OmsProcess("start-json-" + System.nanoTime(), "worker", servers.settings())) {
            worker.start();
            worker.awaitReady();

            String line = Files.readAllLines(worker.log()).stream()
                    .filter(text -> text.startsWith("{"))
                    .findFirst()
                    .orElseThrow();
            assertThat(new ObjectMapper().readTree(line).properties())
                    .extracting(Map.Entry::getKey)
                    .contains("timestamp", "level", "loggerName", "message", "mdc")
                    .doesNotContain("loggerClassName", "ndc", "processName", "processId", "hostName");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"--sed", "--seed --audit", "--migrate now", "--health http://localhost http://localhost", "prod"
            })
    void rejectsUnknownArguments(String arguments) throws IOException, InterruptedException {
        assertThat(run(Map.of(), arguments.split(" ")))
                .isEqualTo(
                        new Exit(
                                2,
                                "OMS did not start: unknown argument " + arguments
                                        + "; use --migrate, --audit, --seed, --create-key <name> --role <role>, --import <jdbc url>, --health <url> or no argument."));
    }

    @Test
    void namesATakenPort() throws IOException, InterruptedException {
        try (ServerSocket taken = new ServerSocket(0)) {
            Exit exit = run(Map.of("QUARKUS_HTTP_PORT", Integer.toString(taken.getLocalPort())));

            assertThat(exit.code()).isNotZero();
            assertThat(exit.lastLine()).startsWith("OMS did not start: the HTTP port is in use: ");
        }
    }

    @Test
    void namesATakenManagementPort() throws IOException, InterruptedException {
        try (ServerSocket taken = new ServerSocket(0)) {
            Exit exit = run(Map.of("QUARKUS_MANAGEMENT_PORT", Integer.toString(taken.getLocalPort())));

            assertThat(exit.code()).isNotZero();
            assertThat(exit.lastLine()).startsWith("OMS did not start: the management port is in use: ");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aWorkerOpensTheManagementPortAndNoOther() throws IOException {
        try (OmsProcess worker = new OmsProcess("start-ports-" + System.nanoTime(), "worker", servers.settings())) {
            worker.start();
            worker.awaitReady();

            assertThat(listeningPorts(worker.handle()))
                    .containsExactly(worker.managementUri("").getPort());
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void webOpensItsOwnPortAndTheManagementPort() throws IOException, InterruptedException {
        try (OmsProcess web = new OmsProcess("start-ports-" + System.nanoTime(), "prod", servers.settings())) {
            web.start();
            web.awaitReady();

            assertThat(listeningPorts(web.handle()))
                    .containsExactlyInAnyOrder(
                            web.uri("").getPort(), web.managementUri("").getPort());
            for (String path : List.of("/q/health", "/q/health/ready", "/q/metrics")) {
                assertThat(web.status(path)).as(path).isEqualTo(404);
            }
        }
    }

    /** The TCP ports on which a process listens; see proc_net(5) and proc_pid_fd(5). */
    private static Set<Integer> listeningPorts(ProcessHandle process) throws IOException {
        Set<String> sockets = new HashSet<>();
        try (Stream<Path> files = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
            for (Path file : files.toList()) {
                try {
                    sockets.add(Files.readSymbolicLink(file).toString());
                } catch (NoSuchFileException closed) {
                    // Since it was listed.
                }
            }
        }
        Set<Integer> ports = new TreeSet<>();
        for (String table : List.of("tcp", "tcp6")) {
            for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/net/" + table))) {
                String[] columns = line.strip().split("\\s+");
                boolean isListening = columns[3].equals("0A");
                if (isListening && sockets.contains("socket:[" + columns[9] + "]")) {
                    ports.add(Integer.parseInt(columns[1].replaceFirst(".*:", ""), 16));
                }
            }
        }
        return ports;
    }

    /** Natively, Quarkus would warn that the profile is not the one of the build. */
    @Test
    void startsAWorkerWithoutWarnings() throws IOException {
        try (OmsProcess worker = new OmsProcess("start-worker-" + System.nanoTime(), "worker", servers.settings())) {
            worker.start();
            worker.awaitReady();

            assertThat(Files.readString(worker.log())).contains("\"INFO\"").doesNotContain("\"WARN\"", "\"ERROR\"");
        }
    }

    @Test
    void asksForKeysUnlessToldOtherwise() throws IOException, InterruptedException {
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("OMS_AUTH", null);
        try (OmsProcess web = new OmsProcess("start-keys-" + System.nanoTime(), "prod", settings)) {
            web.start();
            web.awaitReady();

            assertThat(web.status("/orders")).isEqualTo(401);
            assertThat(web.status("/console/")).isEqualTo(200);
            assertThat(web.logged("OMS_AUTH")).isZero();
        }
    }

    @Test
    void warnsThatItAsksForNoKeys() throws IOException, InterruptedException {
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("OMS_AUTH", "off");
        // Not used, and so it may be incomplete.
        settings.put("OMS_OIDC_URL", "https://localhost");
        try (OmsProcess web = new OmsProcess("start-no-keys-" + System.nanoTime(), "prod", settings)) {
            web.start();
            web.awaitReady();

            assertThat(web.status("/orders")).isEqualTo(200);
            assertThat(web.logged("\"WARN\"")).isEqualTo(1);
            assertThat(web.logged("OMS_AUTH is off")).isEqualTo(1);
        }
    }

    /** Creates an empty database, and returns the settings of a process that uses it. */
    private static Map<String, String> anotherDatabase(String name) {
        return anotherDatabase(name, name);
    }

    private static Map<String, String> anotherDatabase(String nameAndOptions, String name) {
        new Ledger(OmsServers.dataSource(servers.settings())).execute("create database " + nameAndOptions);
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.computeIfPresent("OMS_DB_URL", (key, url) -> url.replace("/postgres", "/" + name));
        return settings;
    }

    @Test
    void startsWithTheSmallestPool() throws IOException, InterruptedException {
        assertThat(run(Map.of(), "--migrate").code()).isZero();
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("QUARKUS_DATASOURCE_JDBC_MAX_SIZE", "2");
        settings.put("OMS_MIGRATE", "false");
        try (OmsProcess web = new OmsProcess("start-pool-" + System.nanoTime(), "prod", settings)) {
            web.start();
            web.awaitReady();

            assertThat(web.status("/orders")).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void needsADatabaseInUtf8(String migrate) throws IOException, InterruptedException {
        String name = "latin1_" + migrate;
        Map<String, String> latin1 = anotherDatabase(name + " encoding 'LATIN1' locale 'C' template template0", name);

        assertThat(run(Map.of("OMS_DB_URL", latin1.get("OMS_DB_URL"), "OMS_MIGRATE", migrate)))
                .isEqualTo(new Exit(
                        1,
                        "OMS did not start: the database at OMS_DB_URL has the encoding LATIN1; create another one with: "
                                + "encoding 'UTF8' template template0."));
        assertThat(new Ledger(OmsServers.dataSource(latin1))
                        .count("information_schema.tables where table_schema = 'public'"))
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void needsASchema(String migrate) throws IOException, InterruptedException {
        String url = servers.settings().get("OMS_DB_URL") + "&currentSchema=nowhere";

        assertThat(run(Map.of("OMS_DB_URL", url, "OMS_MIGRATE", migrate)))
                .isEqualTo(new Exit(
                        1,
                        "OMS did not start: no schema of the search path (nowhere) exists and can be used by OMS_DB_USER; "
                                + "create it, or change currentSchema in OMS_DB_URL."));
    }

    @Test
    void namesTheRoleWithoutRights() throws IOException, InterruptedException {
        Map<String, String> another = anotherDatabase("rights");
        Ledger ledger = new Ledger(OmsServers.dataSource(another));
        ledger.execute("create role visitor login");
        ledger.execute("revoke all on database rights from public");
        Map<String, String> settings = new HashMap<>();
        settings.put("OMS_DB_URL", another.get("OMS_DB_URL").replace("?user=postgres", "?user=visitor"));
        settings.put("OMS_DB_USER", "visitor");

        Exit cannotConnect = run(settings);
        ledger.execute("grant connect on database rights to visitor");
        Exit cannotMigrate = run(settings);
        run(Map.of("OMS_DB_URL", another.get("OMS_DB_URL")), "--migrate");
        settings.put("OMS_MIGRATE", "false");
        Exit cannotReadTheSchema = run(settings);
        ledger.execute("grant select on all tables in schema public to visitor");
        ledger.execute("grant insert on events, stock_movements, orders to visitor");
        ledger.execute("grant insert, update on users, order_lines, api_keys, audits, audit_checkpoints to visitor");
        ledger.execute("grant insert, update, delete on inventory_items, failed_jobs, idempotency_keys, "
                + "webhook_attempts, webhook_counts, webhook_endpoints, webhook_retries, webhook_workers to visitor");
        Exit cannotWrite = run(settings);

        assertThat(cannotConnect.lastLine())
                .startsWith("OMS did not start: OMS_DB_USER lacks a right: FATAL: permission denied for database");
        assertThat(cannotMigrate.lastLine())
                .startsWith("OMS did not start: OMS_DB_USER lacks a right: ERROR: permission denied for schema public");
        assertThat(cannotReadTheSchema.lastLine())
                .startsWith("OMS did not start: OMS_DB_USER lacks a right: ERROR: permission denied for table flyway_");
        assertThat(cannotWrite.lastLine())
                .isEqualTo("OMS did not start: OMS_DB_USER may not read and write audit_checkpoints, audits, orders, "
                        + "orders_id_seq; src/main/postgres/roles.sql grants what it needs.");
    }

    @Test
    void placesOrdersOnlyInTheDatabaseThatWorkersSettle() throws IOException, InterruptedException {
        Map<String, String> another = anotherDatabase("another");
        Exit refused = new Exit(1, "OMS did not start: OMS_DB_PLACING_URL and OMS_DB_URL lead to different databases.");

        assertThat(run(Map.of("OMS_DB_PLACING_URL", another.get("OMS_DB_URL")))).isEqualTo(refused);

        new Ledger(OmsServers.dataSource(another)).execute("create table orders ()");
        assertThat(run(Map.of("OMS_DB_PLACING_URL", another.get("OMS_DB_URL")))).isEqualTo(refused);
    }

    @Test
    void startsOnlyOnAMigratedSchema() throws IOException, InterruptedException {
        Map<String, String> unmigrated = anotherDatabase("unmigrated");
        Ledger ledger = new Ledger(OmsServers.dataSource(unmigrated));
        Map<String, String> settings = Map.of("OMS_MIGRATE", "false", "OMS_DB_URL", unmigrated.get("OMS_DB_URL"));
        Map<String, String> withoutRedis = new HashMap<>(settings);
        withoutRedis.put("OMS_REDIS_URL", "redis://localhost:1");

        Exit notMigrated = run(settings);
        ledger.execute("create table users ()");
        Exit foreign = run(withoutRedis, "--migrate");
        ledger.execute("drop table users");
        Exit migrated = run(withoutRedis, "--migrate");
        Exit upToDate = run(withoutRedis, "--migrate");
        Exit seeded = run(settings, "--seed");
        Exit audited = run(settings, "--audit");
        ledger.execute("update inventory_items set quantity = quantity + 1 where id = 1");
        Exit discrepant = run(settings, "--audit");
        ledger.execute("alter table stock_movements rename quantity_after to hidden");
        Exit failed = run(settings, "--audit");
        ledger.execute("delete from flyway_schema_history where installed_rank > 1");
        Exit migrationFailed = run(withoutRedis, "--migrate");

        assertThat(notMigrated.code()).isEqualTo(1);
        assertThat(notMigrated.lastLine())
                .isEqualTo("OMS did not start: the database has not been migrated to this version; run OMS once with "
                        + "--migrate, connected directly to PostgreSQL.");
        assertThat(foreign.code()).isEqualTo(1);
        assertThat(foreign.lastLine())
                .startsWith("OMS did not start: the database cannot be migrated: Found non-empty schema");
        assertThat(migrated.code()).isZero();
        assertThat(migrated.lastLine()).matches("Migrated from an empty schema to version \\d+ in \\d+ s");
        assertThat(upToDate.code()).isZero();
        assertThat(upToDate.lastLine()).matches("Schema is up to date at version \\d+");
        assertThat(seeded.code()).isZero();
        assertThat(ledger.count("orders")).isEqualTo(10_000);
        assertThat(audited.code()).isZero();
        assertThat(discrepant.code()).isEqualTo(1);
        assertThat(migrationFailed.code()).isEqualTo(1);
        assertThat(migrationFailed.lastLine())
                .startsWith("OMS did not start: migration db/migration/V2__")
                .contains("already exists");
        assertThat(failed.code()).isEqualTo(2);
    }

    @Test
    void checksTheHealthOfAnotherProcess() throws IOException, InterruptedException {
        try (OmsProcess web = new OmsProcess("start-web", "prod", servers.settings())) {
            String ready = web.managementUri("/q/health/ready").toString();
            assertThat(run(Map.of(), "--health", ready).code()).isEqualTo(1);

            web.start();
            web.awaitReady();

            assertThat(run(Map.of(), "--health", ready).code()).isZero();
            assertThat(run(Map.of(), "--health", web.uri("/nowhere").toString()))
                    .isEqualTo(new Exit(1, web.uri("/nowhere") + " answered 404"));
        }
    }
}
