package dev.oms.bench;

import dev.oms.process.OmsProcess;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures the packaged application against what PostgreSQL itself can do, on the same machine, with every commit on
 * the disk: {@code ./mvnw -Pbench verify}, with what {@link Settings} says as {@code -Dbench.…}.
 *
 * <p>A figure and its floor are taken in turns, so that whatever else the machine does meets both. It fails when any
 * call is not answered as it should be, and when afterwards the books are not in order.
 */
public final class Benchmark {
    private static final Path FILE = Path.of("target/bench.json");

    /** Enough that a user has more than a page of orders. */
    private static final int ORDERS = 200_000;

    private static final int CONNECTIONS = 16;
    private static final int MANY_CONNECTIONS = 64;
    private static final int FOLLOWED_PER_SECOND = 200;

    private static final String TWO_LINES = """
            select id, %1$d + floor(random() * %2$d)::bigint, 1 from placed
            union all select id, %1$d + %2$d + floor(random() * %2$d)::bigint, 2 from placed""";

    private static final String ONE_LINE = "select id, %1$d + floor(random() * 2 * %2$d)::bigint, 1 from placed";

    private static final String ONE_ITEM = "select id, %1$d, 1 from placed";

    /** One run of a figure. */
    private interface Run {
        Sample measure() throws Exception;
    }

    private final Settings settings;
    private final Books books;
    private final Processes oms;
    private final Report report = new Report();
    private final int orders;
    private final Duration length;
    private final Map<String, List<Sample>> firstOfCurve = new HashMap<>();
    private Shop shop;

    private Benchmark(Settings settings, Books books, Processes oms) {
        this.settings = settings;
        this.books = books;
        this.oms = oms;
        this.orders = settings.quick() ? ORDERS / 10 : ORDERS;
        this.length = Duration.ofSeconds(settings.seconds());
    }

    /** Prints the table, and writes the file. */
    public static void main(String... args) throws Exception {
        Settings settings = Settings.read();
        if (!settings.binary().isEmpty()) {
            System.setProperty("native.image.path", settings.binary());
        }
        try (Books books = new Books();
                Processes oms = new Processes(books, settings.jvm())) {
            new Benchmark(settings, books, oms).run();
        } catch (Throwable e) {
            e.printStackTrace();
            // Threads of libraries would keep this process.
            System.exit(1);
        }
        System.exit(0);
    }

    private void run() throws Exception {
        say("%s", settings);
        if (oms.web().run("--seed") != 0) {
            throw new IllegalStateException(
                    "It cannot be seeded, see " + oms.web().log());
        }
        shop = Shop.of(books);
        fill(orders);
        start();
        warmUp();
        // Of all the same number of orders: reading first, for it leaves them as they are.
        if (settings.measures("read")) {
            read();
        }
        if (settings.measures("place")) {
            place();
        }
        if (settings.measures("settle")) {
            settle();
        }
        if (settings.measures("follow")) {
            follow();
        }
        resident("after the load");
        if (settings.measures("curve")) {
            for (int size : settings.orders()) {
                curve(size);
            }
        }
        audit();
        say("%n%s", report.table());
        if (settings.quick() || settings.runs() < 3) {
            say("Too quick: these figures are worth nothing.");
        }
        report.write(FILE, described());
        say("All runs are in %s.", FILE);
    }

    private Map<String, Object> described() {
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("benchmark", settings);
        described.put("taken_at", Instant.now().toString());
        described.put("processors", Runtime.getRuntime().availableProcessors());
        described.put("java", Runtime.version().toString());
        described.put("postgresql", books.ledger().texts("show server_version").getFirst());
        return described;
    }

    private void start() throws Exception {
        Map<OmsProcess, String> roles = new LinkedHashMap<>();
        roles.put(oms.web(), "web");
        roles.put(oms.worker(), "worker");
        for (Map.Entry<OmsProcess, String> role : roles.entrySet()) {
            OmsProcess process = role.getKey();
            List<Sample> starts = new ArrayList<>();
            List<Sample> idle = new ArrayList<>();
            for (int run = 1; run <= settings.runs(); run++) {
                process.kill();
                starts.add(Sample.of(Processes.start(process).toNanos() / 1e6));
                Thread.sleep(3_000);
                idle.add(Sample.of(Processes.residentMebibytes(process)));
                say(
                        "%s: ready after %s ms, %s MiB",
                        role.getValue(),
                        Report.number(starts.getLast().value()),
                        Report.number(idle.getLast().value()));
            }
            report.add(role.getValue() + ": start to first 200", "ms", starts);
            report.add(role.getValue() + ": resident, idle", "MiB", idle);
        }
        Processes.start(oms.otherWorker());
        books.awaitWorkers(2);
    }

    private void resident(String when) throws Exception {
        report.add("web: resident, " + when, "MiB", List.of(Sample.of(Processes.residentMebibytes(oms.web()))));
        report.add("worker: resident, " + when, "MiB", List.of(Sample.of(Processes.residentMebibytes(oms.worker()))));
    }

    /** Everything that will be measured, floors too, till the JVMs have compiled it. */
    private void warmUp() throws Exception {
        say("Warming up for %d s", settings.warmup());
        Duration quarter = Duration.ofMillis(settings.warmup() * 250L);
        Load.fullSpeed(CONNECTIONS, quarter.multipliedBy(2), () -> shop.placing(oms.port()));
        Load.fullSpeed(CONNECTIONS, quarter, () -> Shop.following(oms.port(), orders));
        Load.fullSpeed(CONNECTIONS, quarter, () -> shop.listing(oms.port()));
        // The floors' JVM has less to compile.
        Duration little = quarter.dividedBy(4);
        Load.fullSpeed(CONNECTIONS, little, () -> Floor.following(books, orders));
        Load.fullSpeed(CONNECTIONS, little, () -> Floor.listing(books, shop));
        placedByJdbc(CONNECTIONS, little);
        settledByJdbc();
        // Both workers, so that neither is cold when it is measured.
        for (int i = 0; i < 2; i++) {
            settled(TWO_LINES);
        }
        oms.pause(oms.otherWorker());
    }

    private void read() throws Exception {
        var runs = rounds(
                new Part(
                        "order, JDBC", () -> Load.fullSpeed(CONNECTIONS, length, () -> Floor.following(books, orders))),
                new Part("order", () -> Load.fullSpeed(CONNECTIONS, length, () -> Shop.following(oms.port(), orders))),
                new Part("list, JDBC", () -> Load.fullSpeed(CONNECTIONS, length, () -> Floor.listing(books, shop))),
                new Part("list", () -> Load.fullSpeed(CONNECTIONS, length, () -> shop.listing(oms.port()))));
        report.add("GET /orders/{id}", "/s", runs.get(1), "JDBC", runs.get(0));
        report.add("GET /users/{id}/orders", "/s", runs.get(3), "JDBC", runs.get(2));
    }

    private void place() throws Exception {
        for (int connections : new int[] {CONNECTIONS, MANY_CONNECTIONS}) {
            String among = ", %d connections".formatted(connections);
            var runs = rounds(
                    new Part("placed, JDBC" + among, () -> placedByJdbc(connections, length)),
                    new Part("placed, worker running" + among, () -> placed(connections)),
                    new Part("placed, worker stopped" + among, () -> placedWithoutWorker(connections)));
            report.add("placed, worker running" + among, "/s", runs.get(1), "JDBC", runs.get(0));
            report.add("placed, worker stopped" + among, "/s", runs.get(2), "JDBC", runs.get(0));
            report.add("placed, worker running" + among, "/s", runs.get(1), "worker stopped", runs.get(2));
        }
    }

    private Sample placed(int connections) throws Exception {
        books.awaitWorkers(1);
        Sample sample = Load.fullSpeed(connections, length, () -> shop.placing(oms.port()));
        say("    %,d of them are not settled yet", books.depth());
        books.awaitSettled();
        return sample;
    }

    private Sample placedWithoutWorker(int connections) throws Exception {
        oms.pause(oms.worker());
        Sample sample = Load.fullSpeed(connections, length, () -> shop.placing(oms.port()));
        oms.resume(oms.worker());
        books.awaitSettled();
        return sample;
    }

    /** Settled afterwards, as any order. */
    private Sample placedByJdbc(int connections, Duration length) throws Exception {
        Sample sample = Load.fullSpeed(connections, length, () -> Floor.placing(books, shop));
        books.send();
        books.awaitSettled();
        return sample;
    }

    private void settle() throws Exception {
        var runs = rounds(
                new Part("settled, JDBC", this::settledByJdbc),
                new Part("settled, 1 worker", () -> settled(TWO_LINES)),
                new Part("settled, 2 workers", this::settledByBoth),
                new Part("settled, 1 line each, spread out", () -> settled(ONE_LINE)),
                new Part("settled, 1 line each, all on one item", () -> settled(ONE_ITEM)));
        report.add("settled, 1 worker", "/s", runs.get(1), "JDBC, 1 connection", runs.get(0));
        report.add("settled, 2 workers", "/s", runs.get(2), "JDBC, 1 connection", runs.get(0));
        report.add("settled, all on one item", "/s", runs.get(4), "spread out, 1 line too", runs.get(3));
    }

    private Sample settled(String lines) throws Exception {
        books.backlog(settings.backlog(), ofItems(lines));
        books.awaitWorkers(1);
        books.send();
        long started = System.nanoTime();
        books.awaitEmpty();
        double seconds = (System.nanoTime() - started) / 1e9;
        books.awaitSettled();
        return Sample.of(settings.backlog() / seconds);
    }

    private Sample settledByBoth() throws Exception {
        oms.resume(oms.otherWorker());
        books.awaitWorkers(2);
        Sample sample = settled(TWO_LINES);
        oms.pause(oms.otherWorker());
        return sample;
    }

    private Sample settledByJdbc() throws SQLException {
        books.backlog(settings.backlog(), ofItems(TWO_LINES));
        return Floor.settling(books);
    }

    private String ofItems(String lines) {
        return lines.formatted(shop.firstItem(), shop.items() / 2);
    }

    private void follow() throws Exception {
        List<Sample> answered = new ArrayList<>();
        var runs = rounds(new Part("placed to confirmed", () -> {
            books.awaitWorkers(1);
            Load.Outcome outcome =
                    Load.fixedRate(CONNECTIONS, FOLLOWED_PER_SECOND, length, () -> shop.placing(oms.port()));
            books.awaitSettled();
            answered.add(outcome.sample());
            return confirmed(outcome);
        }));
        String at = " at %d/s, from when it was due".formatted(FOLLOWED_PER_SECOND);
        report.add("placed" + at, "/s", answered);
        report.add("confirmed" + at, "/s", runs.get(0));
    }

    /** From when each call was due until the commit that confirmed its order. */
    private Sample confirmed(Load.Outcome outcome) throws SQLException {
        List<Long> nanos = new ArrayList<>();
        try (Connection connection = books.connect();
                PreparedStatement query = connection.prepareStatement(
                        "select pg_xact_commit_timestamp(xmin) from orders where id = ? and status = 'Confirmed'")) {
            for (Map.Entry<Long, Instant> due : outcome.due().entrySet()) {
                query.setLong(1, due.getKey());
                try (ResultSet row = query.executeQuery()) {
                    if (!row.next()) {
                        throw new IllegalStateException("Order %d is not confirmed".formatted(due.getKey()));
                    }
                    Instant confirmedAt = row.getObject(1, OffsetDateTime.class).toInstant();
                    nanos.add(Duration.between(due.getValue(), confirmedAt).toNanos());
                }
            }
        }
        return Sample.of(
                outcome.sample().value(),
                nanos.stream().mapToLong(Long::longValue).toArray());
    }

    private void curve(int size) throws Exception {
        audit();
        fill(size);
        // Not counted: they meet what the fill has left to be written, and the caches empty.
        placed(CONNECTIONS);
        settled(TWO_LINES);
        var runs = rounds(
                new Part("placed, JDBC", () -> placedByJdbc(CONNECTIONS, length)),
                new Part("placed", () -> placed(CONNECTIONS)),
                new Part("settled, JDBC", this::settledByJdbc),
                new Part("settled", () -> settled(TWO_LINES)));
        String with = " with %,d orders".formatted(size);
        curve("placed", with, runs.get(1), runs.get(0));
        curve("settled", with, runs.get(3), runs.get(2));
    }

    private void curve(String what, String with, List<Sample> runs, List<Sample> floor) {
        report.add(what + with, "/s", runs, "JDBC", floor);
        List<Sample> first = firstOfCurve.putIfAbsent(what, runs);
        if (first != null) {
            report.add(
                    what + with,
                    "/s",
                    runs,
                    "with %,d".formatted(settings.orders().getFirst()),
                    first);
        }
    }

    /** A run, and what it is called. */
    private record Part(String name, Run run) {}

    /** Each once, and all of it again. */
    private List<List<Sample>> rounds(Part... parts) throws Exception {
        List<List<Sample>> samples = new ArrayList<>();
        for (Part ignored : parts) {
            samples.add(new ArrayList<>());
        }
        for (int round = 1; round <= settings.runs(); round++) {
            for (int i = 0; i < parts.length; i++) {
                Sample sample = parts[i].run().measure();
                samples.get(i).add(sample);
                say("  %d. %s: %s/s", round, parts[i].name(), Report.number(sample.value()));
            }
        }
        return samples;
    }

    private void fill(int size) throws SQLException {
        say("%,d orders, filled in within %d s", size, books.fill(size).toSeconds());
    }

    /** Nothing is lost, doubled or made up. */
    private void audit() throws Exception {
        books.awaitSettled();
        long started = System.nanoTime();
        String found = oms.web().get("/inventory_items/audit");
        if (!found.equals("{\"discrepancies\":[],\"count\":0}")) {
            throw new IllegalStateException("The books are not in order: " + found);
        }
        long unsold = books.ledger().count("orders where status <> 'Confirmed'");
        if (unsold > 0) {
            throw new IllegalStateException("%d orders are not confirmed".formatted(unsold));
        }
        say(
                "The books are in order, seen within %d s",
                Duration.ofNanos(System.nanoTime() - started).toSeconds());
    }

    private static void say(String format, Object... arguments) {
        System.out.printf(format + "%n", arguments);
    }
}
