package dev.oms.start;

import org.eclipse.microprofile.config.spi.Converter;
import org.postgresql.Driver;

/** A URL that PostgreSQL's driver understands. */
public record JdbcUrl(String url) {
    /**
     * Checks a URL.
     *
     * @throws IllegalArgumentException when it is another one, or empty; the message continues a sentence
     */
    public static JdbcUrl of(String url) {
        // First, because the driver takes "user:password@host" for a host, and logs it as it parses the URL.
        if (url.matches("[^?]*@.*") || !new Driver().acceptsURL(url)) {
            throw new IllegalArgumentException(
                    "is not a JDBC URL of PostgreSQL, such as jdbc:postgresql://localhost:5432/oms.");
        }
        return new JdbcUrl(url);
    }

    /** Rejects any other URL, without quoting it: it may contain a password. */
    public static final class OfString implements Converter<JdbcUrl> {
        private static final long serialVersionUID = 1L;

        @Override
        public JdbcUrl convert(String url) {
            return url.isEmpty() ? null : of(url);
        }
    }
}
