package dev.oms.rails;

import java.math.BigDecimal;
import java.util.regex.Pattern;

/** Reads whole numbers, whatever type their column has: 2, 2.0, or a string of these. */
final class Numbers {
    /** The maximum of a quantity, which is that of Rails' column type {@code integer}. */
    static final long MAX = Integer.MAX_VALUE;

    /** As in JSON: no space, plus sign or leading zero. */
    private static final Pattern NUMBER =
            Pattern.compile("-?+(?:0|[1-9][0-9]*+)(?:\\.[0-9]++)?+(?:[eE][-+]?+[0-9]{1,9})?+");

    private Numbers() {}

    /** @param subject what it is, for the reason */
    static long parse(String subject, String text) throws Unacceptable {
        BigDecimal number = number(subject, text);
        if (number.signum() < 0) {
            throw new Unacceptable("has a negative " + subject + ": " + Rejects.quote(text));
        }
        return whole(subject, text, number);
    }

    /** Reads a negative number as 0. */
    static long parseFromZero(String subject, String text) throws Unacceptable {
        BigDecimal number = number(subject, text);
        return number.signum() < 0 ? 0 : whole(subject, text, number);
    }

    private static BigDecimal number(String subject, String text) throws Unacceptable {
        if (!NUMBER.matcher(text).matches()) {
            throw notWhole(subject, text);
        }
        return new BigDecimal(text);
    }

    private static long whole(String subject, String text, BigDecimal number) throws Unacceptable {
        if (number.compareTo(BigDecimal.valueOf(MAX)) > 0) {
            throw new Unacceptable("has a " + subject + " above " + MAX + ": " + Rejects.quote(text));
        }
        try {
            return number.longValueExact();
        } catch (ArithmeticException e) {
            throw notWhole(subject, text);
        }
    }

    private static Unacceptable notWhole(String subject, String text) {
        return new Unacceptable("has a " + subject + " that is not a whole number: " + Rejects.quote(text));
    }
}
