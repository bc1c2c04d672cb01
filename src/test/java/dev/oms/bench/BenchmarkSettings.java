package dev.oms.bench;

import java.util.Arrays;
import java.util.List;

/**
 * The settings {@code -Dbench.…}.
 *
 * @param quick only checks that the benchmark works: its figures mean nothing
 * @param only the parts to measure: any of {@code start}, {@code read}, {@code events}, {@code dead}, {@code place},
 *     {@code settle}, {@code follow}, {@code wait}, {@code hostile}, {@code access} and {@code curve}; all if empty
 * @param runs how often each figure is measured
 * @param seconds duration of a run under load
 * @param warmup seconds of load before the first measurement, to warm up the JVMs
 * @param backlog number of pending orders when settling is measured
 * @param orders number of orders in the database at each point of the curve
 * @param jvm flags of the measured JVMs
 * @param binary path of the native binary to measure; empty to measure the jar
 */
record BenchmarkSettings(
        boolean quick,
        List<String> only,
        int runs,
        int seconds,
        int warmup,
        int backlog,
        List<Integer> orders,
        List<String> jvm,
        String binary) {

    /** Reads the settings from the system properties. */
    static BenchmarkSettings read() {
        // "-Dbench.quick" without a value also means true.
        boolean quick = List.of("", "true").contains(System.getProperty("bench.quick", "false"));
        return new BenchmarkSettings(
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

    private static String text(String name, String defaultValue) {
        String value = System.getProperty("bench." + name, "");
        return value.isEmpty() ? defaultValue : value;
    }

    private static int number(String name, int defaultValue) {
        return Integer.parseInt(text(name, Integer.toString(defaultValue)));
    }

    private static List<String> list(String name, String defaultValue) {
        return Arrays.stream(text(name, defaultValue).split(","))
                .filter(part -> !part.isEmpty())
                .toList();
    }
}
