package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.Ledger;
import dev.oms.LogLines;
import dev.oms.OmsServers;
import dev.oms.event.EventFeed;
import dev.oms.event.EventType;
import dev.oms.event.TestFeed;
import io.agroal.api.AgroalDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A dispatcher for which PostgreSQL fails in part. */
@QuarkusTest
@WithTestResource(OmsServers.class)
@Timeout(300)
class DispatchFailuresTest {
    private final Ledger ledger = OmsServers.ledger();
    private TestReceiver receiver;
    private long webhook;

    @Inject
    AgroalDataSource dataSource;

    @Inject
    EventFeed feed;

    @Inject
    WebhookLeases leases;

    @Inject
    SaveProgress saver;

    @Inject
    SendMessage sender;

    @Inject
    Secrets secrets;

    @Inject
    ObjectMapper mapper;

    @Inject
    WebhookConfig config;

    @BeforeEach
    void createWebhook() throws Exception {
        delete();
        receiver = new TestReceiver();
        webhook = TestWebhooks.add(ledger, receiver.url());
        ledger.execute("update webhook_endpoints set secret = '\\x%s'"
                .formatted(HexFormat.of().formatHex(secrets.encrypt(webhook, SigningSecret.create()))));
    }

    @AfterEach
    void close() {
        receiver.close();
        delete();
    }

    private void delete() {
        TestWebhooks.deleteAll(ledger);
        ledger.execute("delete from webhook_workers");
    }

    /** Runs a worker until something has happened. */
    private void dispatch(EventFeed from, SaveProgress to, BooleanSupplier until) {
        try (TestDispatcher _ = new TestDispatcher(from, leases, to, sender, secrets, mapper, config)) {
            await().atMost(Duration.ofMinutes(1)).until(until::getAsBoolean);
        }
    }

    private void event() {
        ledger.execute("insert into events (subject, subject_id, version, type) values ('order', %d, 1, 'order.placed')"
                .formatted(System.nanoTime()));
    }

    @Test
    void readsAgainOnlyAfterAWhile() throws Exception {
        event();
        ledger.execute("update webhook_endpoints set position = 0");
        Queue<Long> reads = new ConcurrentLinkedQueue<>();
        EventFeed broken = new TestFeed(feed) {
            @Override
            public Batch read(long after, Set<EventType> types, int limit) {
                if (after == 0) {
                    reads.add(System.nanoTime());
                }
                throw new IllegalStateException("PostgreSQL is down");
            }
        };

        dispatch(broken, saver, () -> reads.size() >= 4);

        List<Long> times = List.copyOf(reads);
        for (int i = 1; i < times.size(); i++) {
            assertThat(Duration.ofNanos(times.get(i) - times.get(i - 1))).isGreaterThan(Duration.ofMillis(400));
        }
    }

    /** Leases are renewed meanwhile, which ends no outage. */
    @Test
    void logsAnOutageOfStoringOnce() throws Exception {
        AtomicInteger saves = new AtomicInteger();
        SaveProgress broken = new SaveProgress(dataSource) {
            @Override
            Map<Long, Saved> save(UUID lease, Collection<Progress> all) {
                saves.incrementAndGet();
                throw new IllegalStateException(new SQLException("down", "08006"));
            }
        };
        event();

        try (LogLines log = new LogLines(DispatchWebhooks.class.getName())) {
            dispatch(feed, broken, () -> saves.get() >= 8);

            assertThat(log.lines())
                    .containsExactly("WARN Webhooks are not sent, since results cannot be stored (down)");
        }
    }

    @Test
    void doesNotLogWhatAnOperatorDisables() throws Exception {
        receiver.behave((event, response) -> {});
        event();

        try (LogLines log = new LogLines(DispatchWebhooks.class.getName())) {
            AtomicInteger step = new AtomicInteger();
            dispatch(feed, saver, () -> {
                if (step.get() == 0 && !receiver.received().isEmpty()) {
                    ledger.execute("update webhook_endpoints set lease = null, lease_until = null, "
                            + "disabled_at = clock_timestamp(), disabled_reason = 'operator'");
                    receiver.release(500);
                    step.set(1);
                }
                return ledger.count("webhook_attempts where endpoint_id = " + webhook) > 0;
            });

            assertThat(log.lines()).isEmpty();
        }
    }

    private void eventToRetry() {
        event();
        ledger.execute("""
                insert into webhook_retries (endpoint_id, position, subject, subject_id, next_attempt_at)
                select %d, position, subject, subject_id, clock_timestamp() from events order by position desc limit 1
                """.formatted(webhook));
        ledger.execute("update webhook_endpoints set position = (select max(position) from events)");
    }

    @Test
    void sendsNoRetryThatIsReadAfterItIsDisabled() throws Exception {
        eventToRetry();
        SlowFeed slow = new SlowFeed();

        try (TestDispatcher _ = new TestDispatcher(slow, leases, saver, sender, secrets, mapper, config)) {
            slow.awaitReading();
            ledger.execute("update webhook_endpoints set lease = null, lease_until = null, "
                    + "disabled_at = clock_timestamp(), disabled_reason = 'operator'");
            // It notices when it renews its leases: before the second time.
            awaitRenewals(2);
            slow.release();
            awaitRenewals(2);
        }

        assertThat(receiver.received()).isEmpty();
        assertThat(ledger.count("webhook_retries where endpoint_id = " + webhook))
                .isOne();
    }

    @Test
    void sendsNoRetryToAUrlThatIsReplacedWhileItIsRead() throws Exception {
        eventToRetry();
        event();
        SlowFeed slow = new SlowFeed();

        try (TestReceiver replacement = new TestReceiver()) {
            AtomicInteger saves = new AtomicInteger();
            SaveProgress late = new SaveProgress(dataSource) {
                @Override
                Map<Long, Saved> save(UUID lease, Collection<Progress> all) {
                    if (saves.getAndIncrement() == 0) {
                        ledger.execute("update webhook_endpoints set lease = null, lease_until = null, url = '%s'"
                                .formatted(replacement.url()));
                    }
                    return super.save(lease, all);
                }
            };
            try (TestDispatcher _ = new TestDispatcher(slow, leases, late, sender, secrets, mapper, config)) {
                slow.awaitReading();
                // The second event's result cannot be stored, so that the endpoint is dropped and taken anew.
                await().atMost(Duration.ofMinutes(1))
                        .until(() -> !replacement.received().isEmpty());
                slow.release();
                await().atMost(Duration.ofMinutes(1))
                        .until(() -> replacement.received().size() >= 2);
                awaitRenewals(2);
            }
        }

        assertThat(receiver.received()).as("the second event").hasSize(1);
    }

    @Test
    void goesOnAfterAnError() throws Exception {
        AtomicInteger ends = new AtomicInteger();
        AtomicInteger renewals = new AtomicInteger();
        EventFeed broken = new TestFeed(feed) {
            @Override
            public long end() {
                if (ends.getAndIncrement() == 0) {
                    throw new StackOverflowError();
                }
                return super.end();
            }
        };
        WebhookLeases brokenLeases = new WebhookLeases(dataSource, secrets) {
            @Override
            Held renew(UUID lease, Collection<Long> held, Collection<Long> others) {
                if (renewals.getAndIncrement() == 0) {
                    throw new StackOverflowError();
                }
                return super.renew(lease, held, others);
            }
        };

        try (TestDispatcher _ = new TestDispatcher(broken, brokenLeases, saver, sender, secrets, mapper, config)) {
            await().atMost(Duration.ofMinutes(1)).until(() -> ends.get() >= 2);
            event();
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> !receiver.received().isEmpty());
        }
    }

    /** Lets retries wait to be read until it is released. */
    private final class SlowFeed extends TestFeed {
        private final CountDownLatch reading = new CountDownLatch(1);
        private final CountDownLatch released = new CountDownLatch(1);

        private SlowFeed() {
            super(feed);
        }

        @Override
        public Batch find(Collection<Long> positions) {
            reading.countDown();
            await(released);
            return super.find(positions);
        }

        void awaitReading() {
            await(reading);
        }

        void release() {
            released.countDown();
        }

        private static void await(CountDownLatch latch) {
            try {
                assertThat(latch.await(1, TimeUnit.MINUTES)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void awaitRenewals(int times) {
        for (int i = 0; i < times; i++) {
            String seen = lastSeen();
            await().atMost(Duration.ofMinutes(1)).until(() -> !seen.equals(lastSeen()));
        }
    }

    private String lastSeen() {
        return ledger.texts("select max(seen_at) from webhook_workers").getFirst();
    }
}
