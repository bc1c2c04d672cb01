package dev.oms.bench;

import java.util.Arrays;
import java.util.List;

/**
 * What {@code -Dbench.…} can set.
 *
 * @param quick only to see that the benchmark works: its figures are worth nothing
 * @param only the parts to measure, of {@code start}, {@code read}, {@code place}, {@code settle}, {@code follow} and
 *     {@code curve}; all without any
 * @param runs how often each figure is taken
 * @param seconds how long a run under load takes
 * @param warmup for how many seconds the JVMs are brought to speed before
 * @param backlog how many orders wait where settling is measured
 * @param orders how many orders there are at each point of the curve
 * @param jvm the JVMs' flags
 * @param binary the native binary to measure instead of the jar; empty for the jar
 */
record Settings(
        boolean quick,
        List<String> only,
        int runs,
        int seconds,
        int warmup,
        int backlog,
        List<Integer> orders,
        List<String> jvm,
        String binary) {

    /** From the system properties. */
    static Settings read() {
        // "-Dbench.quick" alone is also true.
        boolean quick = List.of("", "true").contains(System.getProperty("bench.quick", "false"));
        return new Settings(
                quick,
                list("only", ""),
                number("runs", quick ? 1 : 3),
                number("seconds", quick ? 2 : 10),
                number("warmup", quick ? 4 : 90),
                number("backlog", quick ? 5_000 : 50_000),
                list("orders", quick ? "10000,50000" : "10000,1000000,10000000").stream()
                        .map(Integer::valueOf)
                        .toList(),
                Arrays.asList(text("jvm", "-Xmx512m").split(" +")),
                text("binary", ""));
    }

    boolean measures(String part) {
        return only.isEmpty() || only.contains(part);
    }

    private static String text(String name, String standard) {
        String value = System.getProperty("bench." + name, "");
        return value.isEmpty() ? standard : value;
    }

    private static int number(String name, int standard) {
        return Integer.parseInt(text(name, Integer.toString(standard)));
    }

    private static List<String> list(String name, String standard) {
        return Arrays.stream(text(name, standard).split(","))
                .filter(part -> !part.isEmpty())
                .toList();
    }
}
