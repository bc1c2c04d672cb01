package dev.oms.bench;

import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/**
 * Measures the packaged application and compares it with a JDBC baseline: what PostgreSQL alone can do on the same
 * machine, with every commit flushed to disk. Run it with {@code ./mvnw -Pbench verify}; {@link BenchmarkSettings}
 * lists the {@code -Dbench.…} settings.
 *
 * <p>A figure and its baseline are measured in alternation, so that other load on the machine affects both. The
 * benchmark fails on any unexpected response, on a hostile body that costs too much, and if the audit at the end finds
 * a discrepancy.
 */
public final class Benchmark {
    private static final Path FILE = Path.of("target/bench.json");

    /** Enough for every user to have more than a page of orders. */
    private static final int ORDERS = 200_000;

    private static final int EVENTS = 1_000_000;

    private static final int CONNECTIONS = 16;
    private static final int MANY_CONNECTIONS = 64;
    private static final int HOSTILE = 100;

    /** How often a hostile body is sent: its CPU time is measured in ticks of 10 ms. */
    private static final int HOSTILE_TIMES = 40;

    /** The CPU that a hostile body may cost. */
    private static final int HOSTILE_MILLIS_MAX = 20;

    private static final int FOLLOWED_PER_SECOND = 200;

    /** As many are sent in a run, for each of its seconds. */
    private static final int DELIVERED_PER_SECOND = 3_000;

    /** To ten webhooks in all: about what they take, so that a run lasts longer than it takes to begin. */
    private static final int DELIVERED_TO_TEN_PER_SECOND = 30_000;

    /** Beside them, others place orders and wait. */
    private static final int WAITING = 2_000;

    /** How many of them begin at once: each is in progress before it waits, and too many are refused. */
    private static final int WAITING_TOGETHER = 50;

    /** Less than they wait. */
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private static final int FLOODED_PER_SECOND = 100;

    /** A rate above what two cores can do, but near enough that Redis is asked often. */
    private static final int LIMITED_PER_SECOND = 20_000;

    /** The highest rate of a key: Redis is asked once in 50,000 calls. */
    private static final int OUT_OF_REACH_PER_SECOND = 1_000_000;

    private static final String TWO_LINES = """
            select id, %1$d + floor(random() * %2$d)::bigint, 1 from placed
            union all select id, %1$d + %2$d + floor(random() * %2$d)::bigint, 2 from placed""";

    private static final String ONE_LINE = "select id, %1$d + floor(random() * 2 * %2$d)::bigint, 1 from placed";

    private static final String ONE_ITEM = "select id, %1$d, 1 from placed";

    /** One measurement of a figure. */
    private interface Run {
        Sample measure() throws Exception;
    }

    private final BenchmarkSettings settings;
    private final BenchmarkServers servers;
    private final Processes oms;
    private final Report report = new Report();
    private final int orders;
    private final Duration length;
    private final Map<String, List<Sample>> firstOfCurve = new HashMap<>();
    private SeededShop shop;

    private Benchmark(BenchmarkSettings settings, BenchmarkServers servers, Processes oms) {
        this.settings = settings;
        this.servers = servers;
        this.oms = oms;
        this.orders = settings.quick() ? ORDERS / 10 : ORDERS;
        this.length = Duration.ofSeconds(settings.seconds());
    }

    /** Prints the table and writes {@code target/bench.json}. */
    public static void main(String... args) throws Exception {
        BenchmarkSettings settings = BenchmarkSettings.read();
        if (!settings.binary().isEmpty()) {
            System.setProperty("native.image.path", settings.binary());
        }
        try (BenchmarkServers servers = new BenchmarkServers();
                Processes oms = new Processes(servers, settings.jvm())) {
            new Benchmark(settings, servers, oms).run();
        } catch (Throwable e) {
            e.printStackTrace();
            // Exits explicitly, because library threads would keep the process alive.
            System.exit(1);
        }
        System.exit(0);
    }

    private void run() throws Exception {
        print("%s", settings);
        if (oms.web().run("--seed") != 0) {
            throw new IllegalStateException("Seeding failed, see " + oms.web().log());
        }
        shop = SeededShop.of(servers);
        fill(orders);
        start();
        warmUp();
        // Reading comes first because it adds no orders, so that every run of it reads from the same number.
        if (settings.measures("read")) {
            read();
        }
        if (settings.measures("events")) {
            events();
        }
        if (settings.measures("events") || settings.measures("dead")) {
            dead();
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
        if (settings.measures("wait")) {
            awaitConfirmation();
        }
        if (settings.measures("hostile")) {
            hostile();
        }
        if (settings.measures("access")) {
            access();
        }
        resident("after the load");
        if (settings.measures("curve")) {
            for (int size : settings.orders()) {
                curve(size);
            }
        }
        audit();
        print("%n%s", report.table());
        if (settings.quick() || settings.runs() < 3) {
            print("Too short a run: these figures mean nothing.");
        }
        report.write(FILE, metadata());
        print("All measurements are in %s.", FILE);
    }

    private Map<String, Object> metadata() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("benchmark", settings);
        metadata.put("taken_at", Instant.now().toString());
        metadata.put("processors", Runtime.getRuntime().availableProcessors());
        metadata.put("java", Runtime.version().toString());
        metadata.put("postgresql", servers.ledger().texts("show server_version").getFirst());
        return metadata;
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
                print(
                        "%s: ready after %s ms, %s MiB",
                        role.getValue(),
                        Report.number(starts.getLast().value()),
                        Report.number(idle.getLast().value()));
            }
            report.add(role.getValue() + ": start to first 200", "ms", starts);
            report.add(role.getValue() + ": resident, idle", "MiB", idle);
        }
        Processes.start(oms.otherWorker());
        servers.awaitWorkers(2);
    }

    private void resident(String when) throws Exception {
        report.add("web: resident, " + when, "MiB", List.of(Sample.of(Processes.residentMebibytes(oms.web()))));
        report.add("worker: resident, " + when, "MiB", List.of(Sample.of(Processes.residentMebibytes(oms.worker()))));
    }

    /** Runs everything to be measured, baselines included, so that the JVMs have compiled it. */
    private void warmUp() throws Exception {
        print("Warming up for %d s", settings.warmup());
        Duration quarter = Duration.ofMillis(settings.warmup() * 250L);
        Load.fullSpeed(CONNECTIONS, quarter.multipliedBy(2), () -> shop.placingOrders(oms.port()));
        Load.fullSpeed(CONNECTIONS, quarter, () -> SeededShop.readingOrders(oms.port(), orders));
        Load.fullSpeed(CONNECTIONS, quarter, () -> shop.listingOrders(oms.port()));
        // The baselines run in this JVM, which has less to compile.
        Duration sixteenth = quarter.dividedBy(4);
        Load.fullSpeed(CONNECTIONS, sixteenth, () -> JdbcBaseline.readingOrders(servers, orders));
        Load.fullSpeed(CONNECTIONS, sixteenth, () -> JdbcBaseline.listingOrders(servers, shop));
        placedByJdbc(CONNECTIONS, sixteenth);
        settledByJdbc();
        // Twice, so that both workers are warm when they are measured.
        for (int i = 0; i < 2; i++) {
            settled(TWO_LINES);
        }
        oms.pause(oms.otherWorker());
    }

    private void read() throws Exception {
        var runs = rounds(
                new Part(
                        "order, JDBC",
                        () -> Load.fullSpeed(CONNECTIONS, length, () -> JdbcBaseline.readingOrders(servers, orders))),
                new Part(
                        "order",
                        () -> Load.fullSpeed(CONNECTIONS, length, () -> SeededShop.readingOrders(oms.port(), orders))),
                new Part(
                        "list, JDBC",
                        () -> Load.fullSpeed(CONNECTIONS, length, () -> JdbcBaseline.listingOrders(servers, shop))),
                new Part("list", () -> Load.fullSpeed(CONNECTIONS, length, () -> shop.listingOrders(oms.port()))));
        report.add("GET /orders/{id}", "/s", runs.get(1), "JDBC", runs.get(0));
        report.add("GET /users/{id}/orders", "/s", runs.get(3), "JDBC", runs.get(2));
    }

    /** How fast events are read by one client, and delivered to one. */
    private void events() throws Exception {
        int events = settings.quick() ? EVENTS / 10 : EVENTS;
        FeedLoad.fill(servers, events);
        feed(events);
        try (WebhookLoad webhook = new WebhookLoad(servers, oms.web().uri("/webhooks"))) {
            deliver(webhook);
        }
    }

    /** Whether the pace of reading depends on how far it has come, too. */
    private void feed(int events) throws Exception {
        String late = FeedLoad.cursor(servers, events / 10);
        Load.fullSpeed(1, length, () -> FeedLoad.readingRows(servers));
        Load.fullSpeed(1, length, () -> FeedLoad.readingPages(oms.port(), null));
        var runs = rounds(
                new Part("feed, JDBC", () -> eventsRead(() -> FeedLoad.readingRows(servers))),
                new Part("feed", () -> eventsRead(() -> FeedLoad.readingPages(oms.port(), null))),
                new Part("feed, the last tenth", () -> eventsRead(() -> FeedLoad.readingPages(oms.port(), late))));
        report.add("events read by one client", "/s", runs.get(1), "JDBC", runs.get(0));
        report.add(
                "events read by one client, the last tenth of %,d".formatted(events),
                "/s",
                runs.get(2),
                "from the beginning",
                runs.get(1));
    }

    /** Events instead of pages; the latencies are those of pages. */
    private Sample eventsRead(Load.CallerFactory reader) throws Exception {
        Sample pages = Load.fullSpeed(1, length, reader);
        return new Sample(pages.value() * FeedLoad.PAGE, pages.p50(), pages.p99());
    }

    private void deliver(WebhookLoad webhook) throws Exception {
        int events = DELIVERED_PER_SECOND * settings.seconds();
        webhook.posted(events);
        webhook.delivered(events);
        WebhookLoad.Source placing = () -> {
            servers.awaitWorkers(1);
            Load.fixedRate(CONNECTIONS, FOLLOWED_PER_SECOND, length, () -> shop.placingOrders(oms.port()));
            servers.awaitSettled();
        };
        var runs = rounds(
                new Part("posted by a plain client", () -> webhook.posted(events)),
                new Part("delivered", () -> webhook.delivered(events)),
                new Part("commit to post, polled every ms", () -> webhook.polled(placing)),
                new Part("commit to delivery", () -> webhook.followed(placing)));
        report.add("signed deliveries to one receiver, 1 worker", "/s", runs.get(1), "plain client", runs.get(0));
        report.add(
                "delivered, from the commit, at %d orders/s".formatted(FOLLOWED_PER_SECOND),
                "/s",
                runs.get(3),
                "polled every ms",
                runs.get(2));
    }

    /** What ten dead webhooks cost ten others. */
    private void dead() throws Exception {
        int deliveries = DELIVERED_TO_TEN_PER_SECOND * settings.seconds();
        try (DeadWebhooks webhooks = new DeadWebhooks(servers, oms.web().uri("/webhooks"))) {
            // Otherwise the first part would be measured with less compiled than the others.
            long until =
                    System.nanoTime() + Duration.ofSeconds(settings.warmup()).toNanos();
            do {
                webhooks.alone(deliveries);
            } while (System.nanoTime() - until < 0);
            var runs = rounds(
                    new Part("delivered to 10 webhooks", () -> webhooks.alone(deliveries)),
                    new Part("delivered to 10, beside 10 dead", () -> webhooks.besideNew(deliveries)),
                    new Part("delivered to 10, beside 10 paused", () -> webhooks.besidePaused(deliveries)));
            report.add("delivered to 10 webhooks, beside 10 newly dead", "/s", runs.get(1), "without", runs.get(0));
            report.add("delivered to 10 webhooks, beside 10 dead, paused", "/s", runs.get(2), "without", runs.get(0));
        }
    }

    private void place() throws Exception {
        for (int connections : new int[] {CONNECTIONS, MANY_CONNECTIONS}) {
            String among = ", %d connections".formatted(connections);
            var runs = rounds(
                    new Part("placed, JDBC" + among, () -> placedByJdbc(connections, length)),
                    new Part("placed, worker running" + among, () -> placed(connections)),
                    new Part("placed with keys, worker running" + among, () -> placedWithKeys(connections)),
                    // Last, because the database is still busy with the orders that are settled after it.
                    new Part("placed, worker stopped" + among, () -> placedWithoutWorker(connections)));
            report.add("placed, worker running" + among, "/s", runs.get(1), "JDBC", runs.get(0));
            report.add("placed, worker stopped" + among, "/s", runs.get(3), "JDBC", runs.get(0));
            report.add("placed, worker running" + among, "/s", runs.get(1), "worker stopped", runs.get(3));
            report.add("placed with keys, worker running" + among, "/s", runs.get(2), "without keys", runs.get(1));
        }
    }

    private Sample placed(int connections) throws Exception {
        return placed(connections, () -> shop.placingOrders(oms.port()));
    }

    private Sample placedWithKeys(int connections) throws Exception {
        return placed(connections, () -> shop.placingOrdersWithKeys(oms.port()));
    }

    private Sample placed(int connections, Load.CallerFactory callers) throws Exception {
        servers.awaitWorkers(1);
        Sample sample = Load.fullSpeed(connections, length, callers);
        print("    %,d orders not settled yet", servers.depth());
        servers.awaitSettled();
        return sample;
    }

    private Sample placedWithoutWorker(int connections) throws Exception {
        oms.pause(oms.worker());
        Sample sample = Load.fullSpeed(connections, length, () -> shop.placingOrders(oms.port()));
        oms.resume(oms.worker());
        servers.awaitSettled();
        return sample;
    }

    /** Also settles the orders, after the measurement. */
    private Sample placedByJdbc(int connections, Duration length) throws Exception {
        Sample sample = Load.fullSpeed(connections, length, () -> JdbcBaseline.placingOrders(servers, shop));
        servers.send();
        servers.awaitSettled();
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
        servers.backlog(settings.backlog(), ofItems(lines));
        servers.awaitWorkers(1);
        servers.send();
        long started = System.nanoTime();
        servers.awaitEmpty();
        double seconds = (System.nanoTime() - started) / 1e9;
        servers.awaitSettled();
        return Sample.of(settings.backlog() / seconds);
    }

    private Sample settledByBoth() throws Exception {
        oms.resume(oms.otherWorker());
        servers.awaitWorkers(2);
        Sample sample = settled(TWO_LINES);
        oms.pause(oms.otherWorker());
        return sample;
    }

    private Sample settledByJdbc() throws SQLException {
        servers.backlog(settings.backlog(), ofItems(TWO_LINES));
        return JdbcBaseline.settleAll(servers);
    }

    private String ofItems(String lines) {
        return lines.formatted(shop.firstItem(), shop.items() / 2);
    }

    private void follow() throws Exception {
        List<Sample> answered = new ArrayList<>();
        var runs = rounds(new Part("placed to confirmed", () -> {
            servers.awaitWorkers(1);
            Load.Outcome outcome =
                    Load.fixedRate(CONNECTIONS, FOLLOWED_PER_SECOND, length, () -> shop.placingOrders(oms.port()));
            servers.awaitSettled();
            answered.add(outcome.sample());
            return confirmed(outcome);
        }));
        String at = " at %d/s, from when it was due".formatted(FOLLOWED_PER_SECOND);
        report.add("placed" + at, "/s", answered);
        report.add("confirmed" + at, "/s", runs.get(0));
    }

    /** Latency from the time each call was due until the commit that confirmed its order. */
    private Sample confirmed(Load.Outcome outcome) throws SQLException {
        List<Long> nanos = new ArrayList<>();
        try (Connection connection = servers.connect();
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

    /** From the time that a call was due until it was answered Confirmed, alone and beside calls that wait in vain. */
    private void awaitConfirmation() throws Exception {
        List<Sample> committed = new ArrayList<>();
        List<Sample> held = new ArrayList<>();
        List<Sample> heldAlone = new ArrayList<>();
        var runs = rounds(
                new Part("placed and confirmed in one call", () -> confirmedInOneCall(committed)),
                new Part("the same, beside %,d waiting calls".formatted(WAITING), () -> {
                    List<Socket> waiting = new ArrayList<>();
                    heldAlone.add(heldByWeb());
                    try {
                        for (int i = 0; i < WAITING; i++) {
                            waiting.add(SeededShop.waiting(oms.port(), 1 + i % orders));
                            if (waiting.size() % WAITING_TOGETHER == 0) {
                                awaitWaiting(waiting.size());
                            }
                        }
                        held.add(heldByWeb());
                        return confirmedInOneCall(new ArrayList<>());
                    } finally {
                        for (Socket socket : waiting) {
                            socket.close();
                        }
                    }
                }));
        String at = " at %d/s, from when it was due".formatted(FOLLOWED_PER_SECOND);
        report.add("placed and confirmed in one call" + at, "/s", runs.get(0), "until the commit", committed);
        report.add("threads and connections of web, beside them", "", held, "alone", heldAlone);
        report.add("the same, beside %,d waiting calls".formatted(WAITING), "/s", runs.get(1), "alone", runs.get(0));
    }

    private void awaitWaiting(int calls) throws Exception {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (!oms.web().metrics().contains("oms_calls_waiting " + calls + ".0")) {
            if (System.nanoTime() - until > 0) {
                throw new IllegalStateException("Fewer than %d calls wait".formatted(calls));
            }
            Thread.sleep(20);
        }
    }

    /** Its threads, and its connections to PostgreSQL. */
    private Sample heldByWeb() throws IOException {
        // Virtual threads hold one of these while they run.
        int threads = Processes.threads(oms.web());
        long connections = servers.number("select count(*) from pg_stat_activity where application_name = '%s'"
                .formatted(oms.web().name()));
        print(
                "    %d threads, %d connections, %s MiB",
                threads, connections, Report.number(Processes.residentMebibytes(oms.web())));
        return Sample.of(threads + connections);
    }

    /** @param committed is told how long the same orders took until the commit that confirmed them */
    private Sample confirmedInOneCall(List<Sample> committed) throws Exception {
        servers.awaitWorkers(1);
        Load.Outcome outcome = Load.fixedRate(
                MANY_CONNECTIONS, FOLLOWED_PER_SECOND, length, () -> shop.placingOrdersAndWaiting(oms.port()));
        servers.awaitSettled();
        committed.add(confirmed(outcome));
        return outcome.sample();
    }

    /**
     * The CPU that each hostile body costs web, and how fast others read orders beside 100 clients that send one a
     * second.
     */
    private void hostile() throws Exception {
        List<HostileBodies.Request> requests = HostileBodies.all(shop.firstUser(), 1);
        for (HostileBodies.Request request : requests) {
            HostileBodies.cpuMillis(oms.web().handle().pid(), oms.port(), request, HOSTILE_TIMES);
        }
        List<String> tooExpensive = new ArrayList<>();
        for (HostileBodies.Request request : requests) {
            List<Sample> millis = new ArrayList<>();
            for (int run = 1; run <= settings.runs(); run++) {
                millis.add(Sample.of(
                        HostileBodies.cpuMillis(oms.web().handle().pid(), oms.port(), request, HOSTILE_TIMES)));
            }
            report.add(request.name(), "ms CPU", millis);
            double median = Report.median(millis, Sample::value);
            print("  %s: %s ms CPU", request.name(), Report.number(median));
            if (median > HOSTILE_MILLIS_MAX) {
                tooExpensive.add(request.name());
            }
        }
        if (!tooExpensive.isEmpty()) {
            throw new IllegalStateException(
                    "These bodies cost more than %d ms of CPU each: %s".formatted(HOSTILE_MILLIS_MAX, tooExpensive));
        }
        var runs = rounds(
                new Part("order", this::orderRead),
                new Part("order, beside 100 hostile bodies a second", () -> orderReadBesideHostileBodies(requests)),
                new Part("order, beside 100 unfinished bodies", this::orderReadBesideUnfinishedBodies));
        report.add("GET /orders/{id} beside 100 hostile bodies a second", "/s", runs.get(1), "alone", runs.get(0));
        report.add("GET /orders/{id} beside 100 unfinished bodies", "/s", runs.get(2), "alone", runs.get(0));
    }

    private Sample orderRead() throws Exception {
        return Load.fullSpeed(CONNECTIONS, length, () -> SeededShop.readingOrders(oms.port(), orders));
    }

    private Sample orderReadBesideHostileBodies(List<HostileBodies.Request> requests) throws Exception {
        AtomicBoolean isOver = new AtomicBoolean();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> senders = IntStream.range(0, HOSTILE)
                    .<Future<?>>mapToObj(i -> threads.submit(() -> {
                        for (int next = i; !isOver.get(); next++) {
                            HostileBodies.send(oms.port(), requests.get(next % requests.size()));
                            Thread.sleep(1_000);
                        }
                        return null;
                    }))
                    .toList();
            Sample sample;
            try {
                sample = orderRead();
            } finally {
                isOver.set(true);
            }
            for (Future<?> each : senders) {
                each.get();
            }
            return sample;
        }
    }

    private Sample orderReadBesideUnfinishedBodies() throws Exception {
        List<Socket> unfinished = new ArrayList<>();
        try {
            for (int i = 0; i < HOSTILE; i++) {
                Socket socket = new Socket("localhost", oms.port());
                unfinished.add(socket);
                socket.getOutputStream()
                        .write("POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
                                .getBytes(StandardCharsets.US_ASCII));
            }
            return orderRead();
        } finally {
            for (Socket socket : unfinished) {
                socket.close();
            }
        }
    }

    /** What a key costs, what a key that floods costs another one, and how long the refusal of a key takes. */
    private void access() throws Exception {
        Processes.start(oms.guardedWeb());
        try {
            int port = oms.guardedWeb().uri("").getPort();
            String key = AccessLoad.authorization(servers.ledger(), OUT_OF_REACH_PER_SECOND);
            String limited = AccessLoad.authorization(servers.ledger(), LIMITED_PER_SECOND);
            Load.fullSpeed(CONNECTIONS, length.multipliedBy(2), () -> SeededShop.readingOrders(port, key, orders));
            Load.fullSpeed(CONNECTIONS, length.multipliedBy(2), () -> shop.placingOrders(port, key, false));
            servers.awaitSettled();
            var runs = rounds(
                    new Part("order, without a key", this::orderRead),
                    new Part("order, with a key", () -> orderRead(port, key)),
                    new Part("order, with a limit", () -> orderRead(port, limited)),
                    new Part("placed, without a key", () -> placed(CONNECTIONS)),
                    new Part(
                            "placed, with a key",
                            () -> placed(CONNECTIONS, () -> shop.placingOrders(port, key, false))),
                    new Part(
                            "placed, with a limit",
                            () -> placed(CONNECTIONS, () -> shop.placingOrders(port, limited, false))));
            String reference = "without a key";
            report.add("GET /orders/{id} with a key", "/s", runs.get(1), reference, runs.get(0));
            report.add("GET /orders/{id} with a limit", "/s", runs.get(2), reference, runs.get(0));
            report.add("placed with a key", "/s", runs.get(4), reference, runs.get(3));
            report.add("placed with a limit", "/s", runs.get(5), reference, runs.get(3));

            String flooding = AccessLoad.authorization(servers.ledger(), FLOODED_PER_SECOND);
            runs = rounds(
                    new Part("order, alone", () -> readSteadily(port, key)), new Part("order, beside a flood", () -> {
                        try (AccessLoad.Flood _ = new AccessLoad.Flood(port, flooding, 10 * FLOODED_PER_SECOND)) {
                            return readSteadily(port, key);
                        }
                    }));
            report.add(
                    "GET /orders/{id} beside another key at 10 times its rate",
                    "/s",
                    runs.get(1),
                    "alone",
                    runs.get(0));
            AccessLoad.refusals(servers.ledger(), port, settings.quick() ? 200 : 10_000)
                    .forEach((kind, millis) -> print("  refused, %s: quartiles %s ms", kind, millis));
        } finally {
            oms.guardedWeb().close();
        }
    }

    private Sample orderRead(int port, String key) throws Exception {
        return Load.fullSpeed(CONNECTIONS, length, () -> SeededShop.readingOrders(port, key, orders));
    }

    private Sample readSteadily(int port, String key) throws Exception {
        return Load.fixedRate(
                        CONNECTIONS, FOLLOWED_PER_SECOND, length, () -> SeededShop.readingOrders(port, key, orders))
                .sample();
    }

    private void curve(int size) throws Exception {
        audit();
        fill(size);
        // Not counted: these runs compete with the writes that filling left behind, and the caches are cold.
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

    private void curve(String what, String with, List<Sample> runs, List<Sample> baseline) {
        report.add(what + with, "/s", runs, "JDBC", baseline);
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

    /** A named measurement. */
    private record Part(String name, Run run) {}

    /** Measures the parts in turn, and repeats that for each round. Returns the samples of each part. */
    private List<List<Sample>> rounds(Part... parts) throws Exception {
        List<List<Sample>> samples = new ArrayList<>();
        for (Part ignored : parts) {
            samples.add(new ArrayList<>());
        }
        for (int round = 1; round <= settings.runs(); round++) {
            for (int i = 0; i < parts.length; i++) {
                Sample sample = parts[i].run().measure();
                samples.get(i).add(sample);
                print(
                        "  %d. %s: %s/s%s",
                        round,
                        parts[i].name(),
                        Report.number(sample.value()),
                        Double.isNaN(sample.p50())
                                ? ""
                                : ", p50 %s, p99 %s ms"
                                        .formatted(Report.number(sample.p50()), Report.number(sample.p99())));
            }
        }
        return samples;
    }

    private void fill(int size) throws SQLException {
        print("%,d orders filled in, in %d s", size, servers.fill(size).toSeconds());
    }

    /** Checks that nothing was lost, applied twice or invented. */
    private void audit() throws Exception {
        servers.awaitSettled();
        long started = System.nanoTime();
        String found = oms.web().audit();
        if (!found.contains("\"discrepancies\":[],\"count\":0")) {
            throw new IllegalStateException("The audit found discrepancies: " + found);
        }
        long unconfirmed = servers.ledger().count("orders where status <> 'Confirmed'");
        if (unconfirmed > 0) {
            throw new IllegalStateException("%d orders are not confirmed".formatted(unconfirmed));
        }
        print(
                "The audit found no discrepancies, in %d s",
                Duration.ofNanos(System.nanoTime() - started).toSeconds());
    }

    private static void print(String format, Object... arguments) {
        System.out.printf(format + "%n", arguments);
    }
}
