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

/** The figures, each beside what it is to be compared with: as a table to read and a file to keep. */
final class Report {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** What was measured, run by run. */
    record Figure(String name, String unit, List<Sample> runs, String besideName, List<Sample> beside) {}

    private final List<Figure> figures = new ArrayList<>();

    /** A figure without a floor. */
    void add(String name, String unit, List<Sample> runs) {
        add(name, unit, runs, "", List.of());
    }

    /** A figure, and its floor or what else it has to be seen beside. */
    void add(String name, String unit, List<Sample> runs, String besideName, List<Sample> beside) {
        figures.add(new Figure(name, unit, List.copyOf(runs), besideName, List.copyOf(beside)));
    }

    /** The medians. */
    String table() {
        StringBuilder table = new StringBuilder("%-52s %9s %8s %8s   %-24s %9s %8s %8s  %6s%n"
                .formatted("figure", "", "p50 ms", "p99 ms", "beside", "", "p50 ms", "p99 ms", "ratio"));
        for (Figure figure : figures) {
            String row = "%-52s %9s %8s %8s   %-24s %9s %8s %8s  %6s"
                    .formatted(
                            figure.name() + ", " + figure.unit(),
                            median(figure.runs(), Sample::value),
                            median(figure.runs(), Sample::p50),
                            median(figure.runs(), Sample::p99),
                            figure.besideName(),
                            median(figure.beside(), Sample::value),
                            median(figure.beside(), Sample::p50),
                            median(figure.beside(), Sample::p99),
                            figure.beside().isEmpty() ? "" : "%.2f".formatted(ratio(figure)));
            table.append(row.stripTrailing()).append(System.lineSeparator());
        }
        return table.toString();
    }

    /** All runs, and the medians. */
    void write(Path file, Map<String, Object> settings) throws IOException {
        ObjectNode root = JSON.createObjectNode();
        root.set("settings", JSON.valueToTree(settings));
        for (Figure figure : figures) {
            ObjectNode node = root.withArray("figures").addObject();
            node.put("name", figure.name()).put("unit", figure.unit());
            put(node.putObject("measured"), figure.runs());
            if (!figure.beside().isEmpty()) {
                put(node.putObject("beside").put("name", figure.besideName()), figure.beside());
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
        double median = middle(runs, part);
        if (!Double.isNaN(median)) {
            node.put(name, median);
            runs.forEach(run -> node.withArray(name + "_of_runs").add(part.applyAsDouble(run)));
        }
    }

    /** Of the medians. */
    private static double ratio(Figure figure) {
        return middle(figure.runs(), Sample::value) / middle(figure.beside(), Sample::value);
    }

    private static String median(List<Sample> runs, ToDoubleFunction<Sample> part) {
        double median = middle(runs, part);
        return Double.isNaN(median) ? "" : number(median);
    }

    /** With three digits that count, or all before the point. */
    static String number(double value) {
        return (value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%,.0f").formatted(value);
    }

    private static double middle(List<Sample> runs, ToDoubleFunction<Sample> part) {
        double[] sorted = runs.stream().mapToDouble(part).sorted().toArray();
        int half = sorted.length / 2;
        return sorted.length == 0
                ? Double.NaN
                : sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
