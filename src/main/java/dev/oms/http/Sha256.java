package dev.oms.http;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The hash function that fingerprints and tags are made with. */
public final class Sha256 {
    private Sha256() {}

    /** A digest to be fed. */
    public static MessageDigest create() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
