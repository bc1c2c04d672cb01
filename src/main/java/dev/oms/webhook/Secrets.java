package dev.oms.webhook;

import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts the secrets of endpoints before they are stored, so that a copy of the database does not contain them. By
 * AES-256-GCM, with a random nonce, and with the endpoint's id as associated data: a secret that is copied to another
 * endpoint's row cannot be read there.
 *
 * <p>Stored are a byte for the version of this format, the nonce of 12 bytes, and the ciphertext with its tag of 16.
 *
 * <p>How to change the key is described in {@code operating.md}.
 */
@ApplicationScoped
class Secrets {
    /** Says that there is no key. */
    static final String REFUSAL = "Webhooks need OMS_SECRETS_KEY, which encrypts their secrets, and it is not set.";

    private static final byte VERSION = 1;
    private static final String ALGORITHM = "AES/GCM/NoPadding";
    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BYTES = 16;

    private final List<SecretKey> keys;
    private final boolean isValid;

    Secrets(SecretsConfig config) {
        List<byte[]> decoded =
                config.key().orElse(List.of()).stream().map(Secrets::decode).toList();
        isValid = decoded.stream().allMatch(key -> key.length == KEY_BYTES);
        keys = isValid
                ? decoded.stream()
                        .<SecretKey>map(key -> new SecretKeySpec(key, "AES"))
                        .toList()
                : List.of();
    }

    private static byte[] decode(String base64) {
        try {
            return Base64.getDecoder().decode(base64.strip());
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }

    void check(@Observes StartupEvent event) {
        if (!isValid) {
            throw new ConfigurationException(
                    "OMS_SECRETS_KEY must be the base64 of 32 random bytes, as openssl rand -base64 32 prints it, or several "
                            + "of them separated by commas.");
        }
    }

    /** Whether there is a key. Without one, nothing can be encrypted or decrypted. */
    boolean isAvailable() {
        return !keys.isEmpty();
    }

    /**
     * Encrypts the secret of an endpoint.
     *
     * @throws IllegalStateException if there is no key
     */
    byte[] encrypt(long endpointId, SigningSecret secret) {
        byte[] nonce = new byte[NONCE_BYTES];
        new SecureRandom().nextBytes(nonce);
        try {
            byte[] ciphertext = cipher(Cipher.ENCRYPT_MODE, firstKey(), nonce, endpointId)
                    .doFinal(secret.value().getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.allocate(1 + NONCE_BYTES + ciphertext.length)
                    .put(VERSION)
                    .put(nonce)
                    .put(ciphertext)
                    .array();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every JDK has AES-GCM", e);
        }
    }

    /**
     * Decrypts what {@link #encrypt} has made for this endpoint.
     *
     * @throws IllegalStateException if it was encrypted with a key that is not set, or for another endpoint, or is
     *     damaged
     */
    SigningSecret decrypt(long endpointId, byte[] stored) {
        if (stored.length <= 1 + NONCE_BYTES + TAG_BYTES || stored[0] != VERSION) {
            throw new IllegalStateException("The secret of endpoint " + endpointId + " is damaged");
        }
        byte[] nonce = new byte[NONCE_BYTES];
        ByteBuffer.wrap(stored).get(1, nonce);
        int start = 1 + NONCE_BYTES;
        for (SecretKey key : keys) {
            try {
                byte[] secret = cipher(Cipher.DECRYPT_MODE, key, nonce, endpointId)
                        .doFinal(stored, start, stored.length - start);
                return new SigningSecret(new String(secret, StandardCharsets.UTF_8));
            } catch (AEADBadTagException e) {
                // Encrypted with another key.
                continue;
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("Every JDK has AES-GCM", e);
            }
        }
        throw new IllegalStateException(
                "The secret of endpoint " + endpointId + " was not encrypted with OMS_SECRETS_KEY; rotate it");
    }

    private SecretKey firstKey() {
        if (!isAvailable()) {
            throw new IllegalStateException(REFUSAL);
        }
        return keys.getFirst();
    }

    private static Cipher cipher(int mode, SecretKey key, byte[] nonce, long endpointId)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(ALGORITHM);
        cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, nonce));
        cipher.updateAAD(ByteBuffer.allocate(Long.BYTES).putLong(endpointId).array());
        return cipher;
    }
}
