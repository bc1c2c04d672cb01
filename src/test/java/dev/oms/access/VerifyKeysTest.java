package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When PostgreSQL is asked about a key again; the test decides what time it is. */
@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
class VerifyKeysTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Inject
    ApiKeys keys;

    @Inject
    Quotas quotas;

    private final AtomicLong now = new AtomicLong(System.nanoTime());
    private final KeySecret key =
            KeySecret.parse(TestKeys.admin(OmsServers.ledger())).orElseThrow();
    private VerifyKeys verifyKeys;

    @BeforeEach
    void lookUp() {
        verifyKeys = new VerifyKeys(keys, quotas, Clock.systemUTC(), now::get);
        assertThat(verifyKeys.lookUp(key).join().isValid()).isTrue();
    }

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }

    private boolean isKnown() {
        Verdict verdict = verifyKeys.remembered(key).orElseThrow();
        return verdict.isFresh(now.get()) && verdict.isValid();
    }

    /** When what is remembered ends. */
    private long end() {
        return verifyKeys.remembered(key).orElseThrow().untilNanos();
    }

    @Test
    void aKeyInUseIsRenewedBeforeACallWouldWait() {
        for (int i = 0; i < 5; i++) {
            pass(Duration.ofSeconds(6));
            long end = end();

            assertThat(isKnown()).isTrue();

            await().atMost(PATIENCE).until(() -> end() > end);
        }
    }

    @Test
    void aKeyThatIsNotUsedIsRememberedForTenSeconds() {
        pass(Duration.ofSeconds(10));

        assertThat(isKnown()).isFalse();
    }

    /** Without any message that it has been: Redis is down. */
    @Test
    void aRevokedKeyIsRefusedWhenItIsRenewed() {
        OmsServers.ledger().execute("update api_keys set revoked_at = now() where hint = '" + key.hint() + "'");

        pass(Duration.ofSeconds(6));

        await().atMost(PATIENCE).until(() -> !isKnown());
    }

    @Test
    void aChangeOfKeysMakesAllBeLookedUpBeforeTheyAreUsed() {
        verifyKeys.forget();

        assertThat(isKnown()).isFalse();
        verifyKeys.lookUp(key).join();
        assertThat(isKnown()).isTrue();
    }
}
