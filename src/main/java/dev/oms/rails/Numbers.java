package dev.oms.rails;

import java.math.BigDecimal;
import java.util.regex.Pattern;

/** Reads quantities, which the Rails service also stores as strings. */
final class Numbers {
    /** The maximum of a quantity, which is that of Rails' column type {@code integer}. */
    static final long MAX = Integer.MAX_VALUE;

    /** As in JSON: no space, plus sign, leading zero, fraction or exponent. */
    private static final Pattern WHOLE = Pattern.compile("-?+(?:0|[1-9][0-9]*+)");

    private Numbers() {}

    /** @param subject what it is, for the reason */
    static long parse(String subject, String text) throws Unacceptable {
        if (!WHOLE.matcher(text).matches()) {
            throw new Unacceptable("has a " + subject + " that is not a whole number: " + Rejects.quote(text));
        }
        // Longer ones are not even parsed.
        return inRange(subject, text, text.length() > 12 ? Long.MAX_VALUE : Long.parseLong(text));
    }

    /** For a number with a fraction or exponent, which may be whole nevertheless: 2.0. */
    static long whole(String subject, BigDecimal number) throws Unacceptable {
        try {
            return inRange(subject, number.toString(), number.longValueExact());
        } catch (ArithmeticException e) {
            throw new Unacceptable(
                    "has a " + subject + " that is not a whole number: " + Rejects.quote(number.toString()));
        }
    }

    private static long inRange(String subject, String text, long number) throws Unacceptable {
        if (text.startsWith("-") && number != 0) {
            throw new Unacceptable("has a negative " + subject + ": " + Rejects.quote(text));
        }
        if (number > MAX) {
            throw new Unacceptable("has a " + subject + " above " + MAX + ": " + Rejects.quote(text));
        }
        return number;
    }
}
