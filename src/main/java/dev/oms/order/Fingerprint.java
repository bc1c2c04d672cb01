package dev.oms.order;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.TreeMap;

/** Tells whether two requests ask for the same order, however their bodies are written. */
final class Fingerprint {
    private Fingerprint() {}

    /** SHA-256 of who orders what: of the user, and of the items by name. */
    static byte[] of(long userId, Map<String, Long> quantities) {
        MessageDigest sha256 = sha256();
        try (DataOutputStream out =
                new DataOutputStream(new DigestOutputStream(OutputStream.nullOutputStream(), sha256))) {
            out.writeLong(userId);
            for (Map.Entry<String, Long> line : new TreeMap<>(quantities).entrySet()) {
                // With its length, and char by char: no two orders are written alike, whatever is in their names.
                out.writeInt(line.getKey().length());
                out.writeChars(line.getKey());
                out.writeLong(line.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sha256.digest();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }
}
