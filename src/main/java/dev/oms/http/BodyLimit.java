package dev.oms.http;

/**
 * How large the bodies of one path may be; a larger one is answered with 413. A package has a bean of this type for
 * each of its paths whose bodies may be larger than {@link #DEFAULT_BYTES}.
 */
public interface BodyLimit {
    /**
     * The limit of all other paths. The largest body there has two texts of {@link Texts#NAME_MAX} characters, each of
     * which JSON may escape to six bytes: some 3 KiB.
     */
    int DEFAULT_BYTES = 8 << 10;

    /** The path, such as {@code /orders}, without parameters. */
    String path();

    /** The size of the largest body, in bytes. */
    int maxBytes();
}
