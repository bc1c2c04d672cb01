package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretsTest {
    private static final String OLD = key(1);
    private static final String NEW = key(2);

    private final SigningSecret secret = SigningSecret.create();

    private static String key(int fill) {
        byte[] bytes = new byte[32];
        bytes[0] = (byte) fill;
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static Secrets secrets(String... keys) {
        List<String> list = List.of(keys);
        return new Secrets(() -> list.isEmpty() ? Optional.empty() : Optional.of(list));
    }

    @Test
    void decryptsWhatItHasEncrypted() {
        byte[] stored = secrets(OLD).encrypt(7, secret);

        assertThat(secrets(OLD).decrypt(7, stored)).isEqualTo(secret);
        assertThat(new String(stored, StandardCharsets.ISO_8859_1)).doesNotContain("whsec");
        assertThat(stored[0]).isEqualTo((byte) 1);
    }

    @Test
    void encryptsTheSameSecretDifferentlyEachTime() {
        assertThat(secrets(OLD).encrypt(7, secret)).isNotEqualTo(secrets(OLD).encrypt(7, secret));
    }

    @Test
    void readsWithAnOldKeyAndWritesWithTheNew() {
        byte[] old = secrets(OLD).encrypt(7, secret);

        Secrets both = secrets(NEW, " " + OLD);

        assertThat(both.decrypt(7, old)).isEqualTo(secret);
        assertThat(secrets(NEW).decrypt(7, both.encrypt(7, secret))).isEqualTo(secret);
        assertThatThrownBy(() -> secrets(NEW).decrypt(7, old)).hasMessageContaining("endpoint 7 was not encrypted");
    }

    @Test
    void doesNotDecryptForAnotherEndpoint() {
        byte[] stored = secrets(OLD).encrypt(7, secret);

        assertThatThrownBy(() -> secrets(OLD).decrypt(8, stored)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void doesNotDecryptWhatIsDamaged() {
        byte[] stored = secrets(OLD).encrypt(7, secret);

        for (int i = 0; i < stored.length; i++) {
            byte[] damaged = stored.clone();
            damaged[i] ^= 1;
            assertThatThrownBy(() -> secrets(OLD).decrypt(7, damaged)).isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(() -> secrets(OLD).decrypt(7, new byte[0])).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void encryptsNothingWithoutAKey() {
        assertThat(secrets().isAvailable()).isFalse();
        assertThatThrownBy(() -> secrets().encrypt(7, secret)).hasMessage(Secrets.REFUSAL);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "secret", "c2VjcmV0", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ä"})
    void refusesToStartWithAWrongKeyWithoutQuotingIt(String key) {
        assertThatThrownBy(() -> secrets(NEW, key).check(null))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("OMS_SECRETS_KEY must be the base64 of 32 random bytes")
                .hasMessageNotContainingAny("c2VjcmV0", "AQAAAAAA");
    }

    @Test
    void startsWithoutAKeyAndWithSeveral() {
        secrets().check(null);
        secrets(NEW, OLD).check(null);
    }

    @Test
    void aSecretIsNotPrinted() {
        assertThat(secret.value()).matches("whsec_[A-Za-z0-9+/]{43}=");
        assertThat(secret.key()).hasSize(32);
        assertThat("" + secret).isEqualTo("whsec_…");
    }
}
