package dev.oms.webhook;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.event.EventFeed;
import dev.oms.event.EventFeed.Batch;
import dev.oms.event.EventType;
import dev.oms.http.DatabaseFailure;
import dev.oms.job.OutageLog;
import dev.oms.webhook.SaveProgress.Saved;
import dev.oms.webhook.WebhookLeases.Counts;
import dev.oms.webhook.WebhookLeases.Held;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Sends events to the endpoints whose leases this worker has.
 *
 * <ul>
 *   <li>One thread decides, and never waits for PostgreSQL or a receiver: what they answer comes to its inbox. So no
 *       endpoint waits for another.
 *   <li>Results are stored every 100 ms, for all endpoints in one transaction, together with the cursors. After
 *       SIGKILL, what was sent since is sent again, under the same {@code webhook-id}.
 *   <li>A worker that cannot renew a lease sends nothing more when it has expired. What was under way then takes at
 *       most 20 s: 5 s to look up the name, and 15 s for the request. What it stores is fenced by the lease and the
 *       cursor.
 *   <li>On shutdown it waits for what is under way, stores it, and gives its leases back.
 * </ul>
 */
@ApplicationScoped
class DispatchWebhooks {
    private static final Logger LOG = Logger.getLogger(DispatchWebhooks.class);

    private static final long RENEW_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long SAVE_NANOS = Duration.ofMillis(100).toNanos();

    /** How often a cursor is stored that has passed nothing but events of other types. */
    private static final long SAVE_IDLE_NANOS = Duration.ofSeconds(1).toNanos();

    private static final long RETRY_NANOS = Duration.ofMillis(500).toNanos();
    private static final long WAKE_NANOS = Duration.ofMillis(50).toNanos();

    /** How long an endpoint that is given up waits for what is under way. */
    private static final long LEAVE_NANOS = Duration.ofSeconds(2).toNanos();

    private static final long STOP_NANOS = Duration.ofSeconds(10).toNanos();
    private static final long WATCH_NANOS = Duration.ofSeconds(5).toNanos();
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

    private static final int TAIL_BATCH = 2_000;
    private static final int TAIL_BATCHES_MAX = 4;
    private static final int BATCH = 500;
    private static final Duration TAIL_WAIT = Duration.ofSeconds(1);
    private static final Duration TAIL_PAUSE = Duration.ofMillis(20);

    /** Endpoints that are behind and read at a time. */
    private static final int READERS_MAX = 2;

    private static final int TASKS_MAX = 200;

    private final EventFeed feed;
    private final WebhookLeases leases;
    private final SaveProgress saver;
    private final SendMessage sender;
    private final Secrets secrets;
    private final ObjectMapper mapper;
    private final Clock clock;
    private final WebhookConfig.Dispatcher config;
    private final WebhookMetrics metrics;
    private final OutageLog renewing = new OutageLog(LOG, "Webhooks are not sent, since leases cannot be renewed");
    private final OutageLog storing = new OutageLog(LOG, "Webhooks are not sent, since results cannot be stored");
    private final OutageLog following = new OutageLog(LOG, "The feed cannot be followed for webhooks");
    private final OutageLog reading = new OutageLog(LOG, "The feed cannot be read for webhooks that are behind");
    private final ReentrantLock running = new ReentrantLock();
    private volatile boolean stopping;

    // Used by run() only, which never overlaps.
    private final OutageLog watching = new OutageLog(LOG, "Webhooks cannot be counted");
    private long watchNanos = System.nanoTime();
    private boolean hasWarned;

    DispatchWebhooks(
            EventFeed feed,
            WebhookLeases leases,
            SaveProgress saver,
            SendMessage sender,
            Secrets secrets,
            ObjectMapper mapper,
            Clock clock,
            WebhookConfig config,
            WebhookMetrics metrics) {
        this.feed = feed;
        this.leases = leases;
        this.saver = saver;
        this.sender = sender;
        this.secrets = secrets;
        this.mapper = mapper;
        this.clock = clock;
        this.config = config.dispatcher();
        this.metrics = metrics;
    }

    // It runs for as long as the process does, so it must not occupy a thread of the shared worker pool.
    @RunOnVirtualThread
    @Scheduled(every = "{oms.webhooks.dispatcher.every}", concurrentExecution = ConcurrentExecution.SKIP)
    void run() {
        if (!secrets.isAvailable()) {
            watch();
            return;
        }
        running.lock();
        try {
            if (!stopping) {
                new Dispatch().run();
            }
        } catch (RuntimeException e) {
            LOG.error("Sending webhooks has failed, and starts again", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            running.unlock();
        }
    }

    /** Reports webhooks that no worker sends to. Without a key, a worker can do no more. */
    private void watch() {
        long nowNanos = System.nanoTime();
        if (nowNanos - watchNanos < 0) {
            return;
        }
        watchNanos = nowNanos + WATCH_NANOS;
        try {
            Counts counts = leases.counts();
            metrics.update(List.of(), counts, nowNanos);
            watching.recovered();
            if (counts.unattended() > 0 && !hasWarned) {
                LOG.warnf(
                        "Webhooks that no worker sends to: %d. This one cannot either: set OMS_SECRETS_KEY",
                        counts.unattended());
            }
            hasWarned = counts.unattended() > 0;
        } catch (RuntimeException e) {
            watching.failed(e);
        }
    }

    /** Waits until what is under way has ended and is stored, for 20 seconds at most. */
    void stop(@Observes ShutdownEvent event) {
        stopping = true;
        try {
            if (running.tryLock(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                running.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One run, with a token of its own. Its thread owns what is not made for several. */
    private final class Dispatch {
        private final UUID lease = UUID.randomUUID();
        private final Map<Long, Endpoint> endpoints = new LinkedHashMap<>();
        private final Tail tail = new Tail();
        private final BlockingQueue<Runnable> inbox = new LinkedBlockingQueue<>();

        /** Of batches of the feed in the inbox; everything else there is limited by the number of endpoints. */
        private final Semaphore tailSlots = new Semaphore(TAIL_BATCHES_MAX);

        private final Deque<Endpoint> behind = new ArrayDeque<>();
        private int readers;
        private boolean isRenewing;
        private boolean isSaving;

        /** What could not be stored: before anything else is. */
        private List<Progress> unsaved = List.of();

        /** Endpoints that were given up and are not stored yet. */
        private final Set<Long> leaving = new HashSet<>();

        private long renewNanos = System.nanoTime();
        private long saveNanos = System.nanoTime();
        private long saveIdleNanos = System.nanoTime();
        private volatile boolean isOver;
        private volatile boolean isIdle = true;

        void run() throws InterruptedException {
            try {
                Thread.ofVirtual().name("webhook-tail").start(this::follow);
                while (!stopping) {
                    long nowNanos = System.nanoTime();
                    renew(nowNanos);
                    save(nowNanos);
                    pump(nowNanos);
                    work(untilNext(nowNanos));
                }
                quiesce();
            } finally {
                isOver = true;
                end();
            }
        }

        /** Runs what has come to the inbox, after waiting for it. */
        private void work(long waitNanos) throws InterruptedException {
            Runnable task = inbox.poll(waitNanos, TimeUnit.NANOSECONDS);
            for (int i = 0; task != null; i++) {
                task.run();
                task = i < TASKS_MAX ? inbox.poll() : null;
            }
        }

        private long untilNext(long nowNanos) {
            long nanos = WAKE_NANOS;
            for (Endpoint endpoint : endpoints.values()) {
                nanos = endpoint.untilNext(nowNanos, nanos);
            }
            return nanos;
        }

        /** Runs something that waits elsewhere, and what it leads to here. */
        private <T> void elsewhere(Callable<T> call, Consumer<T> result, Consumer<Throwable> failure) {
            Thread.ofVirtual().name("webhook-", 0).start(() -> {
                try {
                    T value = call.call();
                    inbox.add(() -> result.accept(value));
                } catch (Throwable e) {
                    // Errors too, or the dispatching thread would wait for ever.
                    inbox.add(() -> failure.accept(e));
                }
            });
        }

        // --- The feed ---

        /** Reads the end of the feed for all endpoints. On a thread of its own. */
        private void follow() {
            try {
                long position = -1;
                while (!isOver) {
                    if (isIdle) {
                        position = -1;
                        Thread.sleep(Duration.ofNanos(WAKE_NANOS));
                        continue;
                    }
                    if (tailSlots.availablePermits() == 0) {
                        // More would only wait in memory.
                        Thread.sleep(TAIL_PAUSE);
                        continue;
                    }
                    try {
                        if (position < 0) {
                            position = beginTail();
                        }
                        Batch batch = readTail(position);
                        position = batch.position();
                        following.recovered();
                        awaitMore(batch);
                    } catch (RuntimeException | Error e) {
                        following.failed(e);
                        Thread.sleep(Duration.ofNanos(RETRY_NANOS));
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private long beginTail() {
            long end = feed.end();
            inbox.add(() -> tail.begin(end));
            return end;
        }

        private Batch readTail(long after) throws InterruptedException {
            Batch batch = feed.read(after, Set.of(), TAIL_BATCH);
            if (batch.position() > after) {
                List<Message> messages = messages(batch);
                tailSlots.acquire();
                inbox.add(() -> {
                    tailSlots.release();
                    tail.add(messages, batch.position());
                });
            }
            return batch;
        }

        private void awaitMore(Batch batch) throws InterruptedException {
            if (!batch.events().isEmpty()) {
                // More will follow, and sooner than the feed would tell who waits.
                Thread.sleep(batch.hasMore() ? Duration.ZERO : TAIL_PAUSE);
            } else if (!feed.await(batch.position(), TAIL_WAIT)) {
                Thread.sleep(Duration.ofNanos(WAKE_NANOS));
            }
        }

        private List<Message> messages(Batch batch) {
            return batch.events().stream()
                    .map(event -> Message.of(event, batch.epoch(), mapper))
                    .toList();
        }

        private void fill(Endpoint endpoint, long nowNanos) {
            if (!endpoint.hasRoom(nowNanos)) {
                return;
            }
            long after = endpoint.readPosition();
            if (tail.covers(after)) {
                if (after < tail.position()) {
                    List<Message> messages = tail.after(after, BATCH);
                    endpoint.add(
                            messages,
                            messages.size() < BATCH
                                    ? tail.position()
                                    : messages.getLast().position());
                }
            } else {
                endpoint.isReading = true;
                behind.add(endpoint);
            }
        }

        private void readBehind() {
            while (readers < READERS_MAX && !behind.isEmpty()) {
                Endpoint endpoint = behind.poll();
                readers++;
                long after = endpoint.readPosition();
                Set<EventType> types = endpoint.knownTypes();
                elsewhere(
                        () -> {
                            Batch batch = feed.read(after, types, BATCH);
                            return new Read(messages(batch), batch.position());
                        },
                        read -> {
                            readers--;
                            reading.recovered();
                            endpoint.isReading = false;
                            endpoint.add(read.messages, read.upTo);
                        },
                        e -> {
                            readers--;
                            reading.failed(e);
                            endpoint.isReading = false;
                            endpoint.readNotBeforeNanos = System.nanoTime() + RETRY_NANOS;
                        });
            }
        }

        private record Read(List<Message> messages, long upTo) {}

        // --- Sending ---

        private void pump(long nowNanos) {
            List<Sending> toRead = new ArrayList<>();
            for (Endpoint endpoint : endpoints.values()) {
                fill(endpoint, nowNanos);
                Delivery delivery = endpoint.next(nowNanos);
                while (delivery != null) {
                    if (delivery.isTest()) {
                        delivery.message = Message.test(delivery.subject, clock.instant(), mapper);
                    }
                    if (delivery.message == null) {
                        toRead.add(new Sending(endpoint, delivery));
                    } else {
                        send(endpoint, delivery, nowNanos);
                    }
                    delivery = endpoint.next(nowNanos);
                }
            }
            readBehind();
            if (!toRead.isEmpty()) {
                read(toRead);
            }
        }

        private record Sending(Endpoint endpoint, Delivery delivery) {}

        /** Reads the events of retries, which are not kept in memory, and sends them. */
        private void read(List<Sending> sendings) {
            List<Long> positions = sendings.stream()
                    .map(each -> each.delivery.position)
                    .distinct()
                    .toList();
            elsewhere(
                    () -> messages(feed.find(positions)).stream()
                            .collect(Collectors.toMap(Message::position, Function.identity())),
                    found -> {
                        reading.recovered();
                        long nowNanos = System.nanoTime();
                        for (Sending each : sendings) {
                            each.delivery.message = found.get(each.delivery.position);
                            if (each.delivery.message == null) {
                                each.endpoint.missing(each.delivery, nowNanos);
                            } else if (!each.endpoint.maySend(each.delivery, nowNanos)) {
                                // While it was read, a pause has begun or the lease has ended.
                                each.endpoint.postpone(each.delivery, nowNanos);
                            } else {
                                send(each.endpoint, each.delivery, nowNanos);
                            }
                        }
                    },
                    e -> {
                        reading.failed(e);
                        long nowNanos = System.nanoTime();
                        sendings.forEach(each -> each.endpoint.postpone(each.delivery, nowNanos + RETRY_NANOS));
                    });
        }

        private void send(Endpoint endpoint, Delivery delivery, long nowNanos) {
            Message message = delivery.message;
            sender.send(endpoint.url, endpoint.secrets(nowNanos), message.id(), message.body())
                    .onComplete(sent -> inbox.add(() -> {
                        metrics.sent(sent.result());
                        endpoint.ended(delivery, sent.result(), System.nanoTime());
                    }));
        }

        // --- Leases ---

        private void renew(long nowNanos) {
            if (isRenewing || nowNanos - renewNanos < 0) {
                return;
            }
            isRenewing = true;
            renewNanos = nowNanos + RENEW_NANOS;
            List<Endpoint> held = endpoints.values().stream()
                    .filter(each -> each.leaveNanos == null)
                    .toList();
            List<Long> ids = held.stream().map(each -> each.id).toList();
            Set<Long> all = new HashSet<>(leaving);
            all.addAll(endpoints.keySet());
            elsewhere(
                    () -> leases.renew(lease, ids, all),
                    renewed -> {
                        isRenewing = false;
                        renewing.recovered();
                        renewed(held, renewed, nowNanos);
                    },
                    e -> {
                        isRenewing = false;
                        renewing.failed(e);
                    });
        }

        private void renewed(List<Endpoint> held, Held renewed, long askedNanos) {
            long validUntilNanos = askedNanos + WebhookLeases.LEASE.toNanos();
            int kept = 0;
            for (Endpoint endpoint : held) {
                boolean isMine = renewed.kept().contains(endpoint.id);
                if (isMine && kept < renewed.counts().share()) {
                    kept++;
                    endpoint.validUntilNanos = validUntilNanos;
                } else {
                    leave(endpoint);
                }
            }
            for (Endpoint.Row row : renewed.taken()) {
                Endpoint endpoint = new Endpoint(row, config.perEndpoint(), new Random(), System.nanoTime());
                endpoint.validUntilNanos = validUntilNanos;
                endpoints.put(row.id(), endpoint);
            }
            isIdle = endpoints.isEmpty();
            metrics.update(endpoints.values(), renewed.counts(), System.nanoTime());
        }

        /** Sends nothing more to an endpoint, and gives it back when what is under way has ended. */
        private void leave(Endpoint endpoint) {
            if (endpoint.leaveNanos == null) {
                endpoint.leaveNanos = System.nanoTime() + LEAVE_NANOS;
            }
        }

        private void drop(Endpoint endpoint) {
            endpoints.remove(endpoint.id, endpoint);
            // A retry may still be being read.
            leave(endpoint);
        }

        // --- Storing ---

        private void save(long nowNanos) {
            if (isSaving || nowNanos - saveNanos < 0) {
                return;
            }
            saveNanos = nowNanos + SAVE_NANOS;
            List<Progress> progress = unsaved.isEmpty() ? takeProgress(nowNanos) : unsaved;
            List<Long> toRelease = List.copyOf(leaving);
            if (progress.isEmpty() && toRelease.isEmpty()) {
                return;
            }
            isSaving = true;
            unsaved = List.of();
            elsewhere(
                    () -> store(progress, toRelease),
                    saved -> {
                        isSaving = false;
                        storing.recovered();
                        toRelease.forEach(leaving::remove);
                        saved(progress, saved);
                    },
                    e -> {
                        isSaving = false;
                        storing.failed(e);
                        notSaved(progress, e);
                    });
        }

        private List<Progress> takeProgress(long nowNanos) {
            boolean isIdleTurn = nowNanos - saveIdleNanos >= 0;
            if (isIdleTurn) {
                saveIdleNanos = nowNanos + SAVE_IDLE_NANOS;
            }
            List<Progress> progress = new ArrayList<>();
            for (Endpoint endpoint : List.copyOf(endpoints.values())) {
                boolean leaves = endpoint.leaveNanos != null
                        && (endpoint.underWay() == 0 || nowNanos - endpoint.leaveNanos >= 0);
                if (leaves) {
                    endpoint.handOver(nowNanos);
                }
                if (endpoint.hasAttempts() || (isIdleTurn || leaves) && endpoint.hasProgress()) {
                    progress.add(endpoint.takeProgress(nowNanos));
                }
                if (leaves) {
                    drop(endpoint);
                    leaving.add(endpoint.id);
                }
            }
            return progress;
        }

        private Map<Long, Saved> store(List<Progress> progress, List<Long> toRelease) {
            Map<Long, Saved> saved = progress.isEmpty() ? Map.of() : saver.save(lease, progress);
            if (!toRelease.isEmpty()) {
                leases.release(lease, toRelease);
            }
            return saved;
        }

        private void saved(List<Progress> progress, Map<Long, Saved> saved) {
            for (Progress each : progress) {
                Saved row = saved.get(each.endpointId());
                Endpoint endpoint = endpoints.get(each.endpointId());
                if (row != null && row.disabledReason() != null) {
                    LOG.warnf("Webhook %d is disabled: %s", each.endpointId(), row.disabledReason());
                }
                if (endpoint != null && row == null) {
                    // Another's: what is under way will be sent again.
                    drop(endpoint);
                } else if (endpoint != null && row.isLost()) {
                    leave(endpoint);
                }
            }
        }

        private void notSaved(List<Progress> progress, Throwable e) {
            if (DatabaseFailure.of(e).isTransient()) {
                saveNanos = System.nanoTime() + RETRY_NANOS;
                unsaved = progress;
            } else {
                LOG.error("What was sent cannot be stored, and is sent again", e);
                leaving.clear();
                progress.stream()
                        .map(each -> endpoints.get(each.endpointId()))
                        .filter(endpoint -> endpoint != null)
                        .forEach(this::drop);
            }
        }

        // --- The end ---

        private void quiesce() throws InterruptedException {
            long endNanos = System.nanoTime() + STOP_NANOS;
            while (System.nanoTime() - endNanos < 0
                    && (isSaving
                            || isRenewing
                            || endpoints.values().stream().anyMatch(endpoint -> endpoint.underWay() > 0))) {
                work(WAKE_NANOS);
            }
        }

        private void end() {
            try {
                long nowNanos = System.nanoTime();
                List<Progress> progress = new ArrayList<>(unsaved);
                Set<Long> stored = progress.stream().map(Progress::endpointId).collect(Collectors.toSet());
                endpoints.values().forEach(endpoint -> endpoint.handOver(nowNanos));
                endpoints.values().stream()
                        .filter(endpoint -> endpoint.hasProgress() && !stored.contains(endpoint.id))
                        .forEach(endpoint -> progress.add(endpoint.takeProgress(nowNanos)));
                leaving.addAll(endpoints.keySet());
                store(progress, List.copyOf(leaving));
                leases.disappear(lease);
            } catch (RuntimeException e) {
                storing.failed(e);
            }
            metrics.update(List.of(), new Counts(0, 0, 0), System.nanoTime());
        }
    }
}
