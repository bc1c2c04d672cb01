package dev.oms.webhook;

import com.fasterxml.jackson.annotation.JsonValue;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.security.SecureRandom;
import java.util.Base64;

/**
 * The secret that OMS and a receiver share: {@code whsec_} and the base64 of 32 random bytes.
 *
 * @see <a href="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md">Standard
 *     Webhooks, "Signature scheme"</a>
 */
@RegisterForReflection
record SigningSecret(@JsonValue String value) {
    static final String PREFIX = "whsec_";

    private static final int LENGTH = 32;

    /** A new one. */
    static SigningSecret create() {
        byte[] random = new byte[LENGTH];
        new SecureRandom().nextBytes(random);
        return new SigningSecret(PREFIX + Base64.getEncoder().encodeToString(random));
    }

    /** The bytes that sign. */
    byte[] key() {
        return Base64.getDecoder().decode(value.substring(PREFIX.length()));
    }

    /** Without the secret, for whoever logs it. */
    @Override
    public String toString() {
        return PREFIX + "…";
    }
}
