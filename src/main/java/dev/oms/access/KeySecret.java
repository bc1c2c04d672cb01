package dev.oms.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * An API key as its holder has it: {@code oms_}, 43 base62 characters of randomness (256 bits), and 6 of their CRC-32,
 * with which a typing error, or a secret scanner's false alarm, is noticed without asking the database.
 *
 * @see <a href="https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/">the
 *     format that it is modelled on</a>
 */
record KeySecret(String value) {
    static final String PREFIX = "oms_";

    private static final String BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final int RANDOM_LENGTH = 43;
    private static final int CHECKSUM_LENGTH = 6;
    private static final int HINT_LENGTH = PREFIX.length() + 4;
    private static final Pattern FORMAT =
            Pattern.compile(PREFIX + "[0-9A-Za-z]{" + (RANDOM_LENGTH + CHECKSUM_LENGTH) + "}");

    static KeySecret create() {
        SecureRandom source = new SecureRandom();
        StringBuilder random = new StringBuilder();
        for (int i = 0; i < RANDOM_LENGTH; i++) {
            random.append(BASE62.charAt(source.nextInt(BASE62.length())));
        }
        return new KeySecret(PREFIX + random + checksum(random.toString()));
    }

    /** Empty when it is not one that {@link #create} can have made. */
    static Optional<KeySecret> parse(String value) {
        if (!FORMAT.matcher(value).matches()) {
            return Optional.empty();
        }
        int checksumStart = PREFIX.length() + RANDOM_LENGTH;
        return checksum(value.substring(PREFIX.length(), checksumStart)).equals(value.substring(checksumStart))
                ? Optional.of(new KeySecret(value))
                : Optional.empty();
    }

    private static String checksum(String random) {
        CRC32 crc = new CRC32();
        crc.update(random.getBytes(StandardCharsets.US_ASCII));
        char[] digits = new char[CHECKSUM_LENGTH];
        long rest = crc.getValue();
        for (int i = CHECKSUM_LENGTH - 1; i >= 0; i--) {
            digits[i] = BASE62.charAt((int) (rest % BASE62.length()));
            rest /= BASE62.length();
        }
        return new String(digits);
    }

    /** What is stored. Not salted: nobody can guess 256 bits. */
    byte[] digest() {
        return digest(value);
    }

    /** The SHA-256 of a key or a token. */
    static byte[] digest(String value) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(value.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256", e);
        }
    }

    /** The first characters, which tell a person which key this is. */
    String hint() {
        return value.substring(0, HINT_LENGTH);
    }

    /** Without the secret, for whoever logs it. */
    @Override
    public String toString() {
        return hint() + "…";
    }
}
