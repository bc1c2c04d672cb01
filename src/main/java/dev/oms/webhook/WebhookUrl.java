package dev.oms.webhook;

import dev.oms.http.Texts;
import java.net.IDN;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The URL of a receiver. Only the form is checked here; {@link CheckAddresses} checks where it leads.
 *
 * @param isTls whether it is {@code https}
 * @param host a name in ASCII, an IPv4 address of four numbers, or an IPv6 address without brackets
 * @param path path and query, as they are sent; at least {@code /}
 */
record WebhookUrl(boolean isTls, String host, int port, String path) {
    static final int LENGTH_MAX = 2_000;

    private static final int NAME_MAX = 253;
    private static final int HTTP = 80;
    private static final int HTTPS = 443;
    private static final int FIRST_UNPRIVILEGED = 1_024;
    private static final int LAST_PORT = 65_535;

    private static final Pattern FORMAT =
            Pattern.compile("(https?)://([^/?#\\\\]*)([^#]*)(#.*)?", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
    private static final Pattern AUTHORITY = Pattern.compile("(\\[[^\\]]*\\]|[^:\\[\\]]*)(?::(.*))?", Pattern.DOTALL);
    /** Java's IDN leaves out U+1806 and what nobody sees: that would be another name than the one entered. */
    private static final Pattern VISIBLE = Pattern.compile("(?!.*\\x{1806})" + Texts.PRINTABLE);

    private static final Pattern IPV4 =
            Pattern.compile("(?:(?:0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])(?:\\.(?!$)|$)){4}");

    /** A host whose last label looks like this is a number to some libraries: 0x7f.1, 2130706433, 127.1, 0177.0.0.1. */
    private static final Pattern NUMBER = Pattern.compile("(?:.*\\.)?(?:\\d+|0[xX][0-9a-fA-F]*)");

    private static final Pattern NAME =
            Pattern.compile("(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*");

    /**
     * Parses a URL. A name in another script is converted to ASCII.
     *
     * @throws IllegalArgumentException when nothing can be sent there; the message is for the caller, and continues a
     *     sentence that begins with the name of the field
     */
    static WebhookUrl parse(String text) {
        if (text.length() > LENGTH_MAX) {
            throw new IllegalArgumentException("must not be longer than " + LENGTH_MAX + " characters");
        }
        Matcher url = FORMAT.matcher(text);
        if (!url.matches()) {
            throw new IllegalArgumentException("must be a URL that begins with https:// or http://");
        }
        if (url.group(2).contains("@")) {
            throw new IllegalArgumentException("must not contain a user or a password");
        }
        if (url.group(4) != null) {
            throw new IllegalArgumentException("must not contain a fragment");
        }
        Matcher authority = AUTHORITY.matcher(url.group(2));
        if (!authority.matches()) {
            throw new IllegalArgumentException("must have a valid host");
        }
        boolean isTls = url.group(1).equalsIgnoreCase("https");
        return new WebhookUrl(isTls, host(authority.group(1)), port(authority.group(2), isTls), path(url.group(3)));
    }

    private static String host(String text) {
        if (!text.isEmpty() && !VISIBLE.matcher(text).matches()) {
            throw new IllegalArgumentException("must not contain invisible or control characters");
        }
        if (text.startsWith("[")) {
            return ipv6(text.substring(1, text.length() - 1));
        }
        String name;
        try {
            name = IDN.toASCII(text, IDN.USE_STD3_ASCII_RULES).toLowerCase(Locale.ROOT);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("must have a valid host", e);
        }
        if (IPV4.matcher(name).matches()) {
            return name;
        }
        if (NUMBER.matcher(name).matches()) {
            throw new IllegalArgumentException("must have a name or an address of four decimal numbers as its host");
        }
        if (name.length() > NAME_MAX || !NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("must have a valid host");
        }
        return name;
    }

    private static String ipv6(String literal) {
        try {
            // Without a zone, which names an interface of the worker. An IPv4-mapped address becomes an IPv4 one.
            if (!literal.contains("%") && InetAddress.ofLiteral(literal) instanceof Inet6Address address) {
                return address.getHostAddress();
            }
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("must have a valid host", e);
        }
        throw new IllegalArgumentException("must have a valid host");
    }

    private static int port(String text, boolean isTls) {
        if (text == null) {
            return isTls ? HTTPS : HTTP;
        }
        int port = text.matches("[1-9]\\d{0,4}") ? Integer.parseInt(text) : 0;
        // The others below 1,024 belong to SSH, mail and the like.
        if (port != HTTP && port != HTTPS && (port < FIRST_UNPRIVILEGED || port > LAST_PORT)) {
            throw new IllegalArgumentException("must have a port of 80, 443, or 1024 to 65535");
        }
        return port;
    }

    private static String path(String text) {
        String path = text.startsWith("/") ? text : "/" + text;
        try {
            // Java's parser accepts characters beyond ASCII.
            if (new URI("http://host" + path).toASCIIString().equals("http://host" + path)) {
                return path;
            }
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("must have a valid path; other characters are written as %20", e);
        }
        throw new IllegalArgumentException("must have a valid path; other characters are written as %20");
    }

    /** As it stands in the header {@code Host}. */
    String authority() {
        String name = host.contains(":") ? "[" + host + "]" : host;
        return port == (isTls ? HTTPS : HTTP) ? name : name + ":" + port;
    }

    /** The normalized URL. */
    @Override
    public String toString() {
        return (isTls ? "https://" : "http://") + authority() + path;
    }
}
