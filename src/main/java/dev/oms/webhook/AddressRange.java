package dev.oms.webhook;

import java.math.BigInteger;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import org.eclipse.microprofile.config.spi.Converter;

/**
 * A range of IPv4 or IPv6 addresses in CIDR notation, such as {@code 10.0.0.0/8} or {@code fd00::/8}. A single address
 * is the range of that address.
 */
record AddressRange(BigInteger prefix, int prefixLength, int bits) {
    // No InetAddress: ranges in static fields are built into the native image, which must not contain an Inet6Address.

    /**
     * Parses a range.
     *
     * @throws IllegalArgumentException when it is none, or when bits after the prefix are set; the message is a
     *     sentence that begins with the text
     */
    static AddressRange of(String text) {
        String range = text.strip();
        int slash = range.indexOf('/');
        String literal = slash < 0 ? range : range.substring(0, slash);
        byte[] first = address(range, literal).getAddress();
        int bits = first.length * Byte.SIZE;
        int length = slash < 0 ? bits : length(range, range.substring(slash + 1), bits);
        BigInteger prefix = prefix(first, length);
        if (!prefix.shiftLeft(bits - length).equals(new BigInteger(1, first))) {
            throw new IllegalArgumentException(range + " has bits after its prefix.");
        }
        return new AddressRange(prefix, length, bits);
    }

    private static InetAddress address(String range, String literal) {
        // Java takes 10.1 for 10.0.0.1.
        boolean isShort = !literal.contains(":") && literal.split("\\.", -1).length != 4;
        try {
            InetAddress address = InetAddress.ofLiteral(literal);
            boolean isBracketed = literal.startsWith("[");
            boolean isScoped = address instanceof Inet6Address v6 && (v6.getScopeId() != 0 || literal.contains("%"));
            // Java turns ::ffff:10.0.0.1 into 10.0.0.1, whose prefix has another length.
            boolean isMapped = address instanceof Inet4Address && literal.contains(":");
            if (isShort || isBracketed || isScoped || isMapped) {
                throw new IllegalArgumentException();
            }
            return address;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    range + " is not a range of addresses, such as 10.0.0.0/8 or fd00::/8.", e);
        }
    }

    private static int length(String range, String digits, int max) {
        if (!digits.matches("0|[1-9]\\d{0,2}") || Integer.parseInt(digits) > max) {
            throw new IllegalArgumentException(range + " must end with a prefix length of 0 to " + max + ".");
        }
        return Integer.parseInt(digits);
    }

    /** Whether an address is in this range. An IPv4 address is in no range of IPv6 addresses. */
    boolean contains(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length * Byte.SIZE == bits && prefix(bytes, prefixLength).equals(prefix);
    }

    private static BigInteger prefix(byte[] address, int length) {
        return new BigInteger(1, address).shiftRight(address.length * Byte.SIZE - length);
    }

    /** Converts a setting. */
    public static final class OfString implements Converter<AddressRange> {
        private static final long serialVersionUID = 1L;

        @Override
        public AddressRange convert(String range) {
            return range.isBlank() ? null : of(range);
        }
    }
}
