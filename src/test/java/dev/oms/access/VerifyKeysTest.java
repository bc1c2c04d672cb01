package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
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
    private volatile boolean isForgetting;

    @BeforeEach
    void lookUp() {
        verifyKeys = new VerifyKeys(keys, quotas, Clock.systemUTC(), now::get);
        assertThat(verifyKeys.lookUp(key, () -> false).join().isValid()).isTrue();
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
    void anUnknownKeyOfAnAddressThatIsBlockedMeanwhileIsNotLookedUp() {
        assertThatThrownBy(
                        () -> verifyKeys.lookUp(KeySecret.create(), () -> true).join())
                .hasMessageContaining("Too many keys are being verified");
    }

    /** As when somebody revokes keys all the time. */
    @Test
    void aKeyIsNotLookedUpAgainForEver() {
        AtomicReference<VerifyKeys> restless = new AtomicReference<>();
        restless.set(new VerifyKeys(keys, quotas, Clock.systemUTC(), () -> {
            // What is looked up reads the clock, and so does forget().
            if (!isForgetting) {
                isForgetting = true;
                restless.get().forget();
                isForgetting = false;
            }
            return now.get();
        }));

        assertThatThrownBy(() -> restless.get().lookUp(key, () -> false).get(30, TimeUnit.SECONDS))
                .hasMessageContaining("Keys are changing");
    }

    @Test
    void aChangeOfKeysMakesAllBeLookedUpBeforeTheyAreUsed() {
        verifyKeys.forget();

        assertThat(isKnown()).isFalse();
        verifyKeys.lookUp(key, () -> true).join();
        assertThat(isKnown()).isTrue();
    }
}
