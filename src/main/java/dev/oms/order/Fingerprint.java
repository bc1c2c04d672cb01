package dev.oms.order;

import dev.oms.http.Sha256;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.Map;
import java.util.TreeMap;

/** Identifies requests for the same order, however their bodies are written. */
final class Fingerprint {
    private Fingerprint() {}

    /** SHA-256 of the user and of the quantities by item name. */
    static byte[] of(long userId, Map<String, Long> quantities) {
        MessageDigest sha256 = Sha256.create();
        try (DataOutputStream out =
                new DataOutputStream(new DigestOutputStream(OutputStream.nullOutputStream(), sha256))) {
            out.writeLong(userId);
            for (Map.Entry<String, Long> line : new TreeMap<>(quantities).entrySet()) {
                // Length first, then char by char: different orders never encode alike, whatever their names contain.
                out.writeInt(line.getKey().length());
                out.writeChars(line.getKey());
                out.writeLong(line.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sha256.digest();
    }
}
