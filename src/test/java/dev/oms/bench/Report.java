package dev.oms.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The figures, each next to its reference, as a table to read and a JSON file to keep. */
final class Report {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** A figure with the samples of all runs, and those of the reference it is compared with. */
    record Figure(String name, String unit, List<Sample> runs, String referenceName, List<Sample> reference) {}

    private final List<Figure> figures = new ArrayList<>();

    /** Adds a figure without a reference. */
    void add(String name, String unit, List<Sample> runs) {
        add(name, unit, runs, "", List.of());
    }

    /** Adds a figure with its reference: the JDBC baseline or another figure. */
    void add(String name, String unit, List<Sample> runs, String referenceName, List<Sample> reference) {
        figures.add(new Figure(name, unit, List.copyOf(runs), referenceName, List.copyOf(reference)));
    }

    /** A table of the medians over all runs. */
    String table() {
        StringBuilder table = new StringBuilder("%-52s %9s %8s %8s   %-24s %9s %8s %8s  %6s%n"
                .formatted("figure", "", "p50 ms", "p99 ms", "compared with", "", "p50 ms", "p99 ms", "ratio"));
        for (Figure figure : figures) {
            String row = "%-52s %9s %8s %8s   %-24s %9s %8s %8s  %6s"
                    .formatted(
                            figure.name() + ", " + figure.unit(),
                            cell(figure.runs(), Sample::value),
                            cell(figure.runs(), Sample::p50),
                            cell(figure.runs(), Sample::p99),
                            figure.referenceName(),
                            cell(figure.reference(), Sample::value),
                            cell(figure.reference(), Sample::p50),
                            cell(figure.reference(), Sample::p99),
                            figure.reference().isEmpty() ? "" : "%.2f".formatted(ratio(figure)));
            table.append(row.stripTrailing()).append(System.lineSeparator());
        }
        return table.toString();
    }

    /** Writes the samples of all runs and their medians as JSON. */
    void write(Path file, Map<String, Object> settings) throws IOException {
        ObjectNode root = JSON.createObjectNode();
        root.set("settings", JSON.valueToTree(settings));
        for (Figure figure : figures) {
            ObjectNode node = root.withArray("figures").addObject();
            node.put("name", figure.name()).put("unit", figure.unit());
            put(node.putObject("measured"), figure.runs());
            if (!figure.reference().isEmpty()) {
                put(node.putObject("reference").put("name", figure.referenceName()), figure.reference());
                node.put("ratio", ratio(figure));
            }
        }
        Files.createDirectories(file.getParent());
        JSON.writeValue(file.toFile(), root);
    }

    private static void put(ObjectNode node, List<Sample> runs) {
        put(node, "value", runs, Sample::value);
        put(node, "p50_ms", runs, Sample::p50);
        put(node, "p99_ms", runs, Sample::p99);
    }

    private static void put(ObjectNode node, String name, List<Sample> runs, ToDoubleFunction<Sample> part) {
        double median = median(runs, part);
        if (!Double.isNaN(median)) {
            node.put(name, median);
            runs.forEach(run -> node.withArray(name + "_of_runs").add(part.applyAsDouble(run)));
        }
    }

    /** Ratio of the medians. */
    private static double ratio(Figure figure) {
        return median(figure.runs(), Sample::value) / median(figure.reference(), Sample::value);
    }

    private static String cell(List<Sample> runs, ToDoubleFunction<Sample> part) {
        double median = median(runs, part);
        return Double.isNaN(median) ? "" : number(median);
    }

    /** Formats to three significant digits, or to an integer if that has more. */
    static String number(double value) {
        return (value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%,.0f").formatted(value);
    }

    static double median(List<Sample> runs, ToDoubleFunction<Sample> part) {
        double[] sorted = runs.stream().mapToDouble(part).sorted().toArray();
        int half = sorted.length / 2;
        return sorted.length == 0
                ? Double.NaN
                : sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
