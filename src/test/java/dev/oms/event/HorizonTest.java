package dev.oms.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.agroal.api.AgroalDataSource;
import java.lang.Thread.State;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Looks at the feed while PostgreSQL does not answer. */
@Timeout(60)
class HorizonTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final AtomicInteger asked = new AtomicInteger();
    private final Semaphore answers = new Semaphore(0);
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

    /** Gives no connection: it fails when the test lets it. */
    private final Horizon horizon = new Horizon((AgroalDataSource) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {AgroalDataSource.class}, (proxy, method, arguments) -> {
                asked.incrementAndGet();
                answers.acquire();
                throw new SQLException("no connection");
            }));

    @AfterEach
    void answerAll() {
        answers.release(1_000);
    }

    private Thread look() {
        return Thread.ofPlatform().start(() -> {
            try {
                horizon.look();
            } catch (IllegalStateException e) {
                failures.add(e.getCause());
            }
        });
    }

    private static boolean waits(Thread thread) {
        return thread.getState() == State.WAITING || thread.getState() == State.TIMED_WAITING;
    }

    @Test
    void thoseThatWaitForALookShareItsFailure() throws InterruptedException {
        Thread first = look();
        await().atMost(PATIENCE).until(() -> asked.get() == 1);
        List<Thread> others = Stream.generate(this::look).limit(10).toList();
        await().atMost(PATIENCE).until(() -> others.stream().allMatch(HorizonTest::waits));

        answers.release(1_000);
        first.join();
        for (Thread other : others) {
            other.join();
        }

        assertThat(failures).hasSize(11).allMatch(e -> "no connection".equals(e.getMessage()));
        assertThat(asked).hasValue(2);
    }

    @Test
    void nobodyWaitsForLongForTheLookOfAnother() {
        look();
        await().atMost(PATIENCE).until(() -> asked.get() == 1);

        assertThatThrownBy(horizon::look).hasRootCauseMessage("Another look at the feed takes too long");

        assertThat(asked).hasValue(1);
    }
}
